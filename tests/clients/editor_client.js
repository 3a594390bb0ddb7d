// The HTTP clients of Workhorse and of an editor's language server, as far as they show on the
// wire: HTTP/2 by ALPN, and Node's own HTTP/1.1 with kept connections.
//
//   editor_client.js VERSION HOST PORT CA_FILE < REQUESTS     VERSION: 1 or 2
//
// REQUESTS is a list of {"method","path","headers","body"?}, sent one after another on one
// connection. Prints a list of {"status","headers","fragments","error"?}.
'use strict';
const fs = require('fs');
const http2 = require('http2');
const https = require('https');

const [version, host, port, caFile] = process.argv.slice(2);
const requests = JSON.parse(fs.readFileSync(0, 'utf8'));
const tls = { ca: fs.readFileSync(caFile), servername: host };

function collect(stream, seen, done) {
  stream.setEncoding('utf8');
  stream.on('data', (fragment) => seen.fragments.push(fragment));
  stream.on('end', () => done(seen));
  stream.on('aborted', () => { seen.error = 'aborted'; done(seen); });
  stream.on('error', (error) => { seen.error = error.code || error.message; done(seen); });
}

function once(resolve) {
  let called = false;
  return (value) => { if (!called) { called = true; resolve(value); } };
}

const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ...tls });

function overHttp1(wanted) {
  return new Promise((resolve) => {
    const done = once(resolve);
    const seen = { fragments: [] };
    const options = {
      agent, port, host: '127.0.0.1', method: wanted.method, path: wanted.path,
      headers: { host: `${host}:${port}`, ...wanted.headers },
    };
    const request = https.request(options, (response) => {
      seen.status = response.statusCode;
      seen.headers = response.headers;
      collect(response, seen, done);
    });
    request.on('error', (error) => { seen.error = error.code || error.message; done(seen); });
    request.end(wanted.body);
  });
}

function overHttp2(session, wanted) {
  return new Promise((resolve) => {
    const done = once(resolve);
    const seen = { fragments: [] };
    const stream = session.request({ ':authority': `${host}:${port}`, ':method': wanted.method, ':path': wanted.path, ...wanted.headers });
    stream.on('response', (headers) => {
      seen.status = headers[':status'];
      seen.headers = { ...headers };
    });
    collect(stream, seen, done);
    stream.end(wanted.body);
  });
}

async function main() {
  const answers = [];
  const session = version === '2' ? http2.connect(`https://127.0.0.1:${port}`, tls) : null;
  for (const wanted of requests) {
    answers.push(await (session ? overHttp2(session, wanted) : overHttp1(wanted)));
  }
  console.log(JSON.stringify(answers));
  if (session) session.close();
  agent.destroy();
}

const bound = setTimeout(() => { console.error('the client gave up'); process.exit(1); }, 60000);
bound.unref();
main();
