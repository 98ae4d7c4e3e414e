// Node's http.request. Asking: the content is sent on the event "continue".
'use strict';

const fs = require('fs');
const http = require('http');

const {URL: url, FILE: file, ASK: ask} = process.env;
const headers = {'Content-Length': fs.statSync(file).size};
if (ask === 'yes') {
    headers.Expect = '100-continue';
}
const request = http.request(url, {method: 'PUT', headers});
const send = () => fs.createReadStream(file).pipe(request);

if (ask === 'yes') {
    request.flushHeaders();
    request.on('continue', send);
} else {
    send();
}
request.on('response', (response) => {
    console.log('STATUS', response.statusCode);
    console.log(response.statusCode, response.statusMessage);
    response.resume();
    response.on('close', () => process.exit(0));
});
request.on('error', (error) => {
    console.log(String(error));
    process.exit(1);
});
