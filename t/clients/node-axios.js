// axios, of npm.
'use strict';

const fs = require('fs');
const axios = require('axios');

const {URL: url, FILE: file} = process.env;
axios.put(url, fs.createReadStream(file), {
    headers: {'Content-Length': fs.statSync(file).size},
}).then((response) => {
    console.log('STATUS', response.status);
    console.log(response.status, response.statusText);
    process.exit(0);
}, (error) => {
    if (error.response) {
        console.log('STATUS', error.response.status);
    }
    console.log(String(error));
    process.exit(1);
});
