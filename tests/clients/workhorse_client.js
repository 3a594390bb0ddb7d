// Workhorse with @grpc/grpc-js, as far as one turn needs it: answers GitLab's requests of a session one
// after the other, and keeps what it is shown. What GitLab stores is not kept.
//
//   workhorse_client.js TARGET ROOT|clear OPTIONS
//
// OPTIONS is a JSON object: goal, version, and metadata with the model. Prints one JSON object.
'use strict';
const fs = require('fs');
const path = require('path');
const parts = path.join(__dirname, '..', '.parts', 'node-agent', 'node_modules');
const grpc = require(path.join(parts, '@grpc', 'grpc-js'));
const loader = require(path.join(parts, '@grpc', 'proto-loader'));

const [target, root, given] = process.argv.slice(2);
const options = JSON.parse(given);
const contract = path.join(__dirname, '..', '..', 'proto', 'duo_workflow.proto');
const definition = loader.loadSync(contract, { keepCase: true, longs: String, oneofs: true });
const { DuoWorkflow } = grpc.loadPackageDefinition(definition);

const workflow = {
  statusName: 'created', archived: false, stalled: false, latestCheckpoint: null,
  agentPrivilegesNames: ['read_only_gitlab'], preApprovedAgentPrivilegesNames: ['read_only_gitlab'],
  project: { id: 'gid://gitlab/Project/7', name: 'Edge', webUrl: 'https://gitlab.test/team/edge' },
};
// what each event leads to; a turn needs no others
const STATUSES = { start: 'running', require_input: 'input_required', drop: 'failed', stop: 'stopped' };
const seen = { sequence: [], shown: [], said: [], checkpoints: 0, status: 'created' };

function gitlab(request) {
  const place = request.path.split('?')[0];
  const body = request.body ? JSON.parse(request.body) : {};
  if (place === '/api/graphql') return [200, { data: { duoWorkflowWorkflows: { nodes: [workflow] } } }];
  if (place === '/api/v4/user') return [200, { id: 3, username: 'ada' }];
  if (place.endsWith('/checkpoints')) {
    seen.checkpoints += 1;
    return [201, { id: seen.checkpoints, thread_ts: body.thread_ts }];
  }
  if (request.method === 'PATCH') seen.status = STATUSES[body.status_event] || seen.status;
  return [200, { id: 7, status: seen.status }];
}

function show(checkpoint) {
  if (seen.shown[seen.shown.length - 1] !== checkpoint.status) seen.shown.push(checkpoint.status);
  const log = JSON.parse(checkpoint.checkpoint).channel_values.ui_chat_log;
  seen.said = log.map((entry) => [entry.message_type, entry.status, entry.content]);
}

const credentials = root === 'clear'
  ? grpc.credentials.createInsecure()
  : grpc.credentials.createSsl(fs.readFileSync(root));
const channel = { 'grpc.enable_retries': 0, 'grpc.keepalive_time_ms': 20000 };
if (root !== 'clear') {
  channel['grpc.ssl_target_name_override'] = 'edge.test';
  channel['grpc.default_authority'] = 'edge.test';
}
const client = new DuoWorkflow(target, credentials, channel);
const metadata = new grpc.Metadata();
for (const [name, value] of Object.entries(options.metadata)) metadata.set(name, value);
const stream = client.ExecuteWorkflow(metadata, { deadline: Date.now() + 30000 });

stream.on('data', (action) => {
  if (action.action === 'newCheckpoint') {
    show(action.newCheckpoint);
    return;
  }
  const request = action.runHTTPRequest;
  seen.sequence.push(`${request.method} ${request.path.split('?')[0]}`);
  const [statusCode, body] = gitlab(request);
  const httpResponse = { statusCode, body: JSON.stringify(body), headers: {}, error: '' };
  stream.write({ actionResponse: { requestID: action.requestID, httpResponse } });
});
stream.on('error', () => {});
stream.on('status', (status) => {
  seen.code = Object.keys(grpc.status).find((name) => grpc.status[name] === status.code);
  seen.details = status.details;
  console.log(JSON.stringify(seen));
  stream.end();
  client.close();
});
stream.write({ startRequest: {
  clientVersion: '1.0', workflowID: '7', workflowDefinition: 'chat', goal: options.goal,
} });
