# One question to Duo Chat, round by round as GitLab Rails asks it: a fresh POST for each round, lines
# found by a regular expression in whatever fragments the socket gives, tools run in between, ten
# rounds at most, a failure that may pass tried twice more.
#
#   rails_chat.rb HOST PORT CA_FILE < INPUT
#
# INPUT: {"headers", "body", "tools": {"issue_reader": "what it finds", ...}}
# Prints {"rounds", "requests", "answer", "actions", "events", "code"}; code is what the user would see.
require 'json'
require 'net/http'
require 'openssl'

TOOLS = %w[BuildReader EpicReader IssueReader MergeRequestReader CommitReader WorkItemReader GitlabDocumentation].freeze
KINDS = %w[action final_answer_delta error unknown].freeze
ROUNDS = 10

Failure = Class.new(StandardError)

def camelized(word)
  word.split('_').map(&:capitalize).join
end

class Conversation
  attr_reader :seen

  def initialize(host, port, ca_file, wanted)
    @http = Net::HTTP.new(host, port.to_i, nil)
    @http.ipaddr = '127.0.0.1'
    @http.use_ssl = true
    @http.ca_file = ca_file
    @http.open_timeout = @http.read_timeout = @http.write_timeout = 20
    @wanted = wanted
    @scratchpad = []
    @seen = { 'rounds' => 0, 'requests' => 0, 'answer' => nil, 'actions' => [], 'events' => [], 'code' => nil }
  end

  def run
    ROUNDS.times do
      @seen['rounds'] += 1
      events = with_retries
      raise Failure, 'A1002' if events.empty?

      break if answered?(events)
      raise Failure, 'A1006' if @seen['rounds'] == ROUNDS
    end
  rescue Failure => e
    @seen['code'] = e.message
  rescue EOFError
    @seen['code'] = 'A1003'
  rescue Net::ReadTimeout
    @seen['code'] = 'A1000'
  end

  private

  def with_retries
    3.times do |attempt|
      events = round
      error = events.find { |event| event['type'] == 'error' }
      return events unless error

      text = error.dig('data', 'message')
      next if error.dig('data', 'retryable') && attempt < 2
      raise Failure, 'A1005' if text.include?('prompt is too long')
      raise Failure, 'G3001' if text.include?('tool not available')

      raise Failure, 'A1004'
    end
  end

  def answered?(events)
    deltas = events.select { |event| event['type'] == 'final_answer_delta' }
    unknown = events.find { |event| event['type'] == 'unknown' }
    action = events.find { |event| event['type'] == 'action' }
    if deltas.any?
      @seen['answer'] = deltas.map { |event| event.dig('data', 'text') }.join
    elsif action
      observe(action['data'])
    else
      @seen['answer'] = unknown.dig('data', 'text')
    end
    !@seen['answer'].nil?
  end

  def observe(action)
    raise Failure, 'A9999' unless TOOLS.include?(camelized(action['tool']))

    @seen['actions'] << action
    found = @wanted['tools'].fetch(action['tool'], 'nothing was found')
    @scratchpad << { 'action' => action, 'observation' => found }
  end

  def round
    @seen['requests'] += 1
    messages = @wanted['body']['messages'].dup
    messages << { 'role' => 'assistant', 'agent_scratchpad' => @scratchpad } if @scratchpad.any?
    request = Net::HTTP::Post.new('/v2/chat/agent', @wanted['headers'])
    request.body = JSON.generate(@wanted['body'].merge('messages' => messages))
    events = []
    buffer = String.new
    @http.start unless @http.started?
    @http.request(request) do |response|
      raise Failure, 'M3006' if response.code == '403'
      raise Failure, 'A9999' unless response.code == '200'

      response.read_body do |fragment|
        buffer << fragment
        while (line = /(\{.*\})\n/.match(buffer))
          buffer = line.post_match
          event = JSON.parse(line[1])
          @seen['events'] << event
          # others are logged and passed over
          events << event if KINDS.include?(event['type'])
        end
      end
    end
    events
  end
end

host, port, ca_file = ARGV
conversation = Conversation.new(host, port, ca_file, JSON.parse($stdin.read))
conversation.run
puts JSON.generate(conversation.seen)
