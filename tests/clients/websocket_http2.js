// WebSocket over HTTP/2 (RFC 8441) with Node's own http2; prints what happened as JSON.
//
// node websocket_http2.js HOST:PORT ROOT PATH

'use strict';
const fs = require('node:fs');
const http2 = require('node:http2');
const crypto = require('node:crypto');
const tls = require('node:tls');

const [address, root, path] = process.argv.slice(2);
const [host, port] = address.split(':');
const deadline = setTimeout(() => finish({ failure: 'took longer than 30 s' }), 30000);

const session = http2.connect('https://edge.test', {
  createConnection: () =>
    tls.connect({ host, port, servername: 'edge.test', ca: fs.readFileSync(root), ALPNProtocols: ['h2'] }),
});
session.on('error', (error) => finish({ failure: String(error) }));
session.on('remoteSettings', (settings) => {
  if (!settings.enableConnectProtocol) {
    finish({ failure: 'the edge does not offer extended CONNECT' });
    return;
  }
  talk();
});

function talk() {
  const stream = session.request({
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'https',
    ':authority': 'edge.test',
    ':path': path,
    'sec-websocket-version': '13',
    'sec-websocket-protocol': 'duo',
    origin: 'https://edge.test',
  });
  const facts = { messages: [] };
  let received = Buffer.alloc(0);
  stream.on('response', (headers) => {
    facts.status = headers[':status'];
    facts.protocol = headers['sec-websocket-protocol'];
    facts.accept = headers['sec-websocket-accept'] ?? null;
    stream.write(frame(1, Buffer.from('over http2')));
    stream.write(frame(2, Buffer.alloc(300000, 7)));
    stream.write(frame(9, Buffer.from('ping')));
  });
  stream.on('data', (piece) => {
    received = Buffer.concat([received, piece]);
    for (let next = parse(received); next; next = parse(received)) {
      received = received.subarray(next.length);
      const text = next.payload.length < 100 && next.opcode !== 8 ? next.payload.toString() : null;
      facts.messages.push({ opcode: next.opcode, bytes: next.payload.length, text });
      // Close only once all is back: an echo owes nothing after a Close.
      if (facts.messages.length === 3) stream.write(frame(8, Buffer.from([0x03, 0xe8])));
    }
  });
  stream.on('error', (error) => finish({ ...facts, failure: String(error) }));
  stream.on('end', () => finish(facts));
}

function frame(opcode, payload) {
  const key = crypto.randomBytes(4);
  let head;
  if (payload.length < 126) {
    head = Buffer.from([0x80 | opcode, 0x80 | payload.length]);
  } else if (payload.length < 65536) {
    head = Buffer.from([0x80 | opcode, 0x80 | 126, 0, 0]);
    head.writeUInt16BE(payload.length, 2);
  } else {
    head = Buffer.alloc(10);
    head[0] = 0x80 | opcode;
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  return Buffer.concat([head, key, payload.map((byte, at) => byte ^ key[at % 4])]);
}

function parse(bytes) {
  if (bytes.length < 2) return null;
  let length = bytes[1] & 0x7f;
  let start = 2;
  if (length === 126) {
    if (bytes.length < 4) return null;
    length = bytes.readUInt16BE(2);
    start = 4;
  } else if (length === 127) {
    if (bytes.length < 10) return null;
    length = Number(bytes.readBigUInt64BE(2));
    start = 10;
  }
  if (bytes.length < start + length) return null;
  return { opcode: bytes[0] & 0x0f, payload: bytes.subarray(start, start + length), length: start + length };
}

function finish(facts) {
  clearTimeout(deadline);
  console.log(JSON.stringify(facts));
  process.exit(0);
}
