// Calls of the agent platform by gRPC as editors speak it; reads and prints what agent_client.py
// does, but for structs, which this library has no JSON for.
//
//   agent_client.js TARGET ROOT|clear < CALLS
'use strict';
const fs = require('fs');
const path = require('path');
const parts = path.join(__dirname, '..', '.parts', 'node-agent', 'node_modules');
const grpc = require(path.join(parts, '@grpc', 'grpc-js'));
const loader = require(path.join(parts, '@grpc', 'proto-loader'));

const [target, root] = process.argv.slice(2);
const calls = JSON.parse(fs.readFileSync(0, 'utf8'));
const contract = path.join(__dirname, '..', '..', 'proto', 'duo_workflow.proto');
const definition = loader.loadSync(contract, { keepCase: true, longs: String, enums: String });
const { DuoWorkflow } = grpc.loadPackageDefinition(definition);

const options = {
  'grpc.enable_retries': 0,
  'grpc.max_send_message_length': 16 << 20,
  'grpc.keepalive_time_ms': 10000,
  'grpc.keepalive_permit_without_calls': 1,
};
if (root !== 'clear') {
  options['grpc.ssl_target_name_override'] = 'edge.test';
  options['grpc.default_authority'] = 'edge.test';
}
const credentials = root === 'clear'
  ? grpc.credentials.createInsecure()
  : grpc.credentials.createSsl(fs.readFileSync(root));
const client = new DuoWorkflow(target, credentials, options);

function fill(call) {
  const given = call.messages || [];
  if (!call.size) return given;
  const { requestSerialize } = DuoWorkflow.service[call.method];
  const size = () => requestSerialize(given[0]).length;
  while (size() < call.size) {
    const more = Math.max(1, call.size - size() - 16);
    given[0].startRequest.goal = (given[0].startRequest.goal || '') + 'x'.repeat(more);
  }
  return given;
}

function perform(call) {
  return new Promise((resolve) => {
    const method = DuoWorkflow.service[call.method];
    const metadata = new grpc.Metadata();
    for (const [name, value] of Object.entries(call.metadata || {})) metadata.set(name, value);
    const given = fill(call);
    const seen = { messages: [], headers: {} };
    const limit = { deadline: Date.now() + 30000 };
    let running;
    if (method.requestStream) {
      running = client[call.method](metadata, limit);
      running.on('data', (answer) => seen.messages.push(answer));
      running.on('error', () => {});
      for (const message of given) running.write(message);
      running.end();
    } else {
      running = client[call.method](given[0] || {}, metadata, limit, (error, answer) => {
        if (answer) seen.messages.push(answer);
      });
    }
    running.on('metadata', (headers) => { seen.headers = headers.getMap(); });
    running.on('status', (status) => {
      seen.code = Object.keys(grpc.status).find((name) => grpc.status[name] === status.code);
      seen.details = status.details;
      // the answer of a unary call comes right after its status
      setImmediate(() => resolve(seen));
    });
  });
}

(async () => {
  const outcomes = [];
  for (const call of calls) outcomes.push(await perform(call));
  console.log(JSON.stringify(outcomes));
  client.close();
})();
