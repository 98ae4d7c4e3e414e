// Node's fetch (undici).
'use strict';

const fs = require('fs');

const {URL: url, FILE: file, ASK: ask} = process.env;
const headers = ask === 'yes' ? {Expect: '100-continue'} : {};

fetch(url, {method: 'PUT', headers, body: fs.readFileSync(file)})
    .then((response) => {
        console.log('STATUS', response.status);
        console.log(response.status, response.statusText);
        process.exit(0);
    }, (error) => {
        console.log(String(error) + ': ' + String(error.cause));
        process.exit(1);
    });
