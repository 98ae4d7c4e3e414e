# boto3's put_object. URL is .../s3/BUCKET/KEY.

import os
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, bucket, key = os.environ['URL'].rsplit('/', 2)
s3 = boto3.client('s3', endpoint_url=endpoint, region_name='us-east-1',
                  aws_access_key_id='alice', aws_secret_access_key='demo',
                  config=Config(s3={'addressing_style': 'path'}))
try:
    with open(os.environ['FILE'], 'rb') as upload:
        answer = s3.put_object(Bucket=bucket, Key=key, Body=upload)
except ClientError as error:
    print('STATUS', error.response['ResponseMetadata']['HTTPStatusCode'])
    sys.exit('%s: %s' % (type(error).__name__, error))
except Exception as error:
    sys.exit('%s: %s' % (type(error).__name__, error))
print('STATUS', answer['ResponseMetadata']['HTTPStatusCode'])
