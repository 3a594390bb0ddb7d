"""Asks Bedrock by botocore, Amazon's own client, and prints what came.

bedrock_client.py URL MODEL

The server behind URL sees what Amazon sees; what it answers is read as Amazon's customers do.
"""

import json
import sys

import botocore.session

url, model = sys.argv[1:]
session = botocore.session.get_session()
session.set_credentials("AKIDENV", "env-secret/+=")
client = session.create_client("bedrock-runtime", region_name="eu-central-1", endpoint_url=url)
messages = [{"role": "user", "content": [{"text": "hi"}]}]
whole = client.converse(modelId=model, messages=messages)
stream = client.converse_stream(modelId=model, messages=messages)["stream"]
pieces = [event["contentBlockDelta"]["delta"]["text"] for event in stream if "contentBlockDelta" in event]
texts = [block["text"] for block in whole["output"]["message"]["content"]]
print(json.dumps({"whole": "".join(texts), "stream": "".join(pieces)}))
