# GitLab Rails' HTTP client, as far as it shows on the wire: Net::HTTP that dials an address and
# keeps the name for SNI and Host, asks for compressed answers and reads them in fragments.
#
#   rails_client.rb HOST PORT CA_FILE < REQUEST     REQUEST: {"method","path","headers","body"?}
#
# Prints one JSON object: status, headers, fragments, and error where the answer was cut.
require 'json'
require 'net/http'
require 'openssl'

host, port, ca_file = ARGV
wanted = JSON.parse($stdin.read)
http = Net::HTTP.new(host, port.to_i, nil)
http.ipaddr = '127.0.0.1'
http.use_ssl = true
http.ca_file = ca_file
http.verify_mode = OpenSSL::SSL::VERIFY_PEER
http.open_timeout = http.read_timeout = http.write_timeout = wanted.fetch('timeout', 30)

kind = { 'POST' => Net::HTTP::Post, 'GET' => Net::HTTP::Get, 'HEAD' => Net::HTTP::Head }.fetch(wanted['method'])
request = kind.new(wanted['path'], wanted.fetch('headers', {}))
request.body = wanted['body'] if wanted['body']

seen = { 'fragments' => [] }
begin
  http.start do |connection|
    connection.request(request) do |response|
      seen['status'] = response.code.to_i
      seen['version'] = response.http_version
      seen['headers'] = response.each_header.to_h
      response.read_body do |fragment|
        seen['fragments'] << fragment.dup.force_encoding('UTF-8').scrub
      end
    end
  end
rescue StandardError => e
  seen['error'] = e.class.name
end
puts JSON.generate(seen)
