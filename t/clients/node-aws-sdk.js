// The AWS SDK for JavaScript, version 3, of npm. URL is .../s3/BUCKET/KEY.
'use strict';

const fs = require('fs');
const {S3Client, PutObjectCommand} = require('@aws-sdk/client-s3');

const {URL: url, FILE: file} = process.env;
const [, endpoint, bucket, key] = /^(.*)\/([^/]*)\/([^/]*)$/.exec(url);
const s3 = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {accessKeyId: 'alice', secretAccessKey: 'demo'},
});
s3.send(new PutObjectCommand({
    Bucket: bucket, Key: key, Body: fs.readFileSync(file),
})).then((answer) => {
    console.log('STATUS', answer.$metadata.httpStatusCode);
    process.exit(0);
}, (error) => {
    if (error.$metadata && error.$metadata.httpStatusCode) {
        console.log('STATUS', error.$metadata.httpStatusCode);
    }
    console.log(String(error));
    process.exit(1);
});
