// Chromium: fetch() in a page of the same server. The browser is driven through
// two pipes, by messages that end in a zero byte.
'use strict';

const {spawn} = require('child_process');
const fs = require('fs');

const {URL: url, FILE: file, WORK: work} = process.env;
const browser = spawn('chromium', [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
    '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-breakpad',
    '--no-proxy-server', '--ignore-certificate-errors',
    '--remote-debugging-pipe', '--user-data-dir=' + work + '/profile',
], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    env: {...process.env, TMPDIR: work},
});

const waiting = new Map();
let last = 0;
let text = '';

function call(method, params, sessionId) {
    last += 1;
    browser.stdio[3].write(
        JSON.stringify({id: last, method, params, sessionId}) + '\0');
    return new Promise((resolve) => waiting.set(last, resolve));
}

browser.stdio[4].on('data', (data) => {
    text += data;
    const messages = text.split('\0');
    text = messages.pop();
    for (const message of messages.map((m) => JSON.parse(m))) {
        if (waiting.has(message.id)) {
            waiting.get(message.id)(message.result || message);
        }
    }
});

// The page is there when it has the server's origin and its content.
const READY = "location.protocol !== 'about:' && document.readyState";

// Else a 401 opens the browser's login dialog, and fetch() waits for that.
const MODE = "credentials: 'omit'";

const UPLOAD = (size) => `new Promise((done) => {
    const content = new Uint8Array(${size});
    for (let i = 0; i < content.length; i += 65536) {
        crypto.getRandomValues(content.subarray(i, i + 65536));
    }
    fetch('${url}', {method: 'PUT', body: content, ${MODE}}).then(
        (response) => done('STATUS ' + response.status + '\\n' +
                           response.status + ' ' + response.statusText),
        (error) => done(String(error)));
})`;

async function main() {
    const page = new URL('/page.html', url).href;
    const {targetId} = await call('Target.createTarget', {url: page});
    const {sessionId} = await call('Target.attachToTarget',
                                   {targetId, flatten: true});
    const evaluate = async (expression) => {
        const answer = await call('Runtime.evaluate', {
            expression, awaitPromise: true, returnByValue: true}, sessionId);
        return answer.result && answer.result.value;
    };
    while (await evaluate(READY) !== 'complete') {
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const began = Date.now();
    const answer = await evaluate(UPLOAD(fs.statSync(file).size));
    console.log('SECONDS', (Date.now() - began) / 1000);
    console.log(answer);
    await call('Browser.close', {});
    process.exit(0);
}

main();
