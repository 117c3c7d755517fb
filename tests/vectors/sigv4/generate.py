#!/usr/bin/python3
"""Writes signature vectors made by botocore, an implementation that is not ours.

usage: generate.py SEED COUNT > vectors.json

Half of them are requests that boto3's clients would send (caught before they leave), half are AWSRequest objects with
odd paths, queries and headers, signed by SigV4Auth, S3SigV4Auth, SigV4QueryAuth and S3SigV4QueryAuth. The same seed and
botocore version give the same file."""
import datetime
import hashlib
import json
import os
import random
import sys
import uuid
from urllib.parse import quote, urlsplit

os.environ["BOTO_DISABLE_CRT"] = "true"  # the signer in C does not show its texts
import boto3
import botocore
import botocore.auth
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials

ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # AWS's published example
TOKEN = "FwoGZXIvYXdzEXAMPLE//token+with/odd=characters=="
NOW = datetime.datetime(2026, 3, 9, 4, 5, 6)

rng = random.Random(int(sys.argv[1]))
recorded = {}


class FixedDatetime(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return NOW


def record_texts():
    """Keeps what the signer computed, whichever of its classes did."""
    canonical_request, string_to_sign = SigV4Auth.canonical_request, SigV4Auth.string_to_sign

    def canonical(self, request):
        recorded["canonical"] = canonical_request(self, request)
        return recorded["canonical"]

    def to_sign(self, request, text):
        recorded["string_to_sign"] = string_to_sign(self, request, text)
        return recorded["string_to_sign"]

    SigV4Auth.canonical_request, SigV4Auth.string_to_sign = canonical, to_sign
    botocore.auth.datetime.datetime = FixedDatetime
    uuid.uuid4 = lambda: uuid.UUID(int=rng.getrandbits(128))


def text(value):
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def vector(name, method, url, headers, body, service, region, token, origin):
    parts = urlsplit(url)
    headers = [[text(n), text(v)] for n, v in headers]
    if not any(n.lower() == "host" for n, _ in headers):
        headers.append(["Host", parts.netloc])
    rng.shuffle(headers)
    if origin == "query":
        signature = parts.query.rsplit("X-Amz-Signature=", 1)[1]
    else:
        signature = next(v for n, v in headers if n.lower() == "authorization").rsplit("Signature=", 1)[1]
    return {
        "name": name,
        "method": method,
        "target": (parts.path or "/") + ("?" + parts.query if parts.query else ""),
        "headers": headers,
        "body_sha256": hashlib.sha256(body).hexdigest(),
        "origin": origin,
        "service": service,
        "region": region,
        "access_key": ACCESS_KEY,
        "token": token or "",
        "canonical": recorded["canonical"],
        "canonical_sha256": hashlib.sha256(recorded["canonical"].encode()).hexdigest(),
        "string_to_sign": recorded["string_to_sign"],
        "signature": signature,
    }


def odd_text(longest):
    alphabet = "abcXYZ019-._~ !\"#$%&'()*+,/:;<=>?@[\\]^`{|}\u00e9\u1234\U0001f512"
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(1, longest)))


def odd_path(is_s3):
    # S3's clients never write %2F, and we sign it as the slash that it stands for
    segments = [quote(odd_text(12), safe="/~" if is_s3 else "~") for _ in range(rng.randint(0, 4))]
    for _ in range(rng.randint(0, 2)):
        segments.insert(rng.randint(0, len(segments)), rng.choice(["", ".", "..", "a%20b", "%E2%82%AC"]))
    path = "/" + "/".join(segments)
    return path if is_s3 else path.replace("//", "/./")


def odd_query():
    names = sorted({quote(odd_text(6), safe="-_.~") for _ in range(rng.randint(0, 6))})
    rng.shuffle(names)
    pairs = []
    for name in names:
        pairs.append(name + rng.choice(["", "=", "=" + quote(odd_text(8), safe="-_.~")]))
    return "&".join(pairs)


def odd_headers(service):
    headers = {}
    for i in range(rng.randint(0, 4)):
        value = rng.choice(["", " "]).join([rng.choice(["a", "b  c", "\t", "d\t e", "\"x   y\"", "\u00fc"]) for _ in range(4)])
        headers[rng.choice(["X-Amz-Meta-", "x-amz-meta-", "X-AMZ-Meta-"]) + "h%d" % i] = value
    if rng.random() < 0.5:
        headers["Content-Type"] = rng.choice(["text/plain", "application/x-amz-json-1.1", "a/b;  charset=utf-8"])
    if rng.random() < 0.3:
        headers["Range"] = "bytes=0-%d" % rng.randint(0, 9999)
    if rng.random() < 0.3:
        headers["X-Cloister-Nonce"] = "%x" % rng.getrandbits(64)
    if rng.random() < 0.3:
        headers["User-Agent"] = "not signed"
    if rng.random() < 0.2:
        headers["Date"] = "set by the signer"
    return headers


def odd_request(i):
    service, origin = rng.choice([("s3", "header"), ("s3", "query"), ("kms", "header"), ("sts", "query")])
    token = TOKEN if rng.random() < 0.3 else None
    region = rng.choice(["us-east-1", "eu-central-2", "cn-north-1"])
    method = rng.choice(["GET", "PUT", "POST", "HEAD", "DELETE"])
    body = rng.choice([b"", b"{}", odd_text(99).encode()]) if origin == "header" else b""
    headers = odd_headers(service)
    if origin == "query":
        headers.pop("Date", None)
    if headers.get("Content-Type") == "application/x-www-form-urlencoded; charset=utf-8":
        del headers["Content-Type"]
    query = odd_query()
    url = "https://host.example.com:8443" + odd_path(service == "s3") + ("?" + query if query else "")
    request = AWSRequest(method=method, url=url, headers=headers, data=body)
    credentials = Credentials(ACCESS_KEY, SECRET_KEY, token)
    if origin == "header":
        auth = (S3SigV4Auth if service == "s3" else SigV4Auth)(credentials, service, region)
    else:
        auth = (S3SigV4QueryAuth if service == "s3" else SigV4QueryAuth)(credentials, service, region,
                                                                         expires=rng.randint(1, 604800))
    auth.add_auth(request)
    return vector("odd-%d" % i, method, request.url, request.headers.items(), body, service, region, token, origin)


def client_calls():
    key = odd_text(20)
    tags = [{"Key": odd_text(8), "Value": odd_text(8)}]
    return [
        ("s3", "put_object", dict(Bucket="bucket-1", Key=key, Body=b"data", Metadata={"a": "b  c", "z": "1"})),
        ("s3", "put_object", dict(Bucket="bucket-1", Key=key, Body=b"data", ChecksumAlgorithm="SHA256")),
        ("s3", "get_object", dict(Bucket="bucket-1", Key=key, Range="bytes=3-9", VersionId="a+b/c=")),
        ("s3", "head_object", dict(Bucket="bucket-1", Key="/lead/../" + key)),
        ("s3", "delete_object", dict(Bucket="bucket-1", Key=key)),
        ("s3", "list_objects_v2", dict(Bucket="bucket-1", Prefix=odd_text(9), Delimiter="/", StartAfter=key)),
        ("s3", "list_object_versions", dict(Bucket="bucket-1", Prefix=odd_text(9))),
        ("s3", "create_multipart_upload", dict(Bucket="bucket-1", Key=key)),
        ("s3", "upload_part", dict(Bucket="bucket-1", Key=key, UploadId=odd_text(9), PartNumber=3, Body=b"x")),
        ("s3", "copy_object", dict(Bucket="bucket-1", Key=key, CopySource={"Bucket": "b-2", "Key": odd_text(9)})),
        ("s3", "create_bucket", dict(Bucket="bucket-2")),
        ("kms", "encrypt", dict(KeyId="alias/" + "k", Plaintext=b"p", EncryptionContext={odd_text(5): odd_text(5)})),
        ("kms", "create_key", dict(Description=odd_text(30))),
        ("sts", "assume_role", dict(RoleArn="arn:aws:iam::123456789012:role/r", RoleSessionName="s=1,2@x")),
        ("iam", "create_user", dict(UserName="u+=,.@-", Path="/p/")),
        ("iam", "put_user_policy", dict(UserName="u", PolicyName="p", PolicyDocument='{"a": "%s"}' % key)),
        ("sagemaker", "list_training_jobs", dict(NameContains="job-")),
        ("kms", "tag_resource", dict(KeyId="1234abcd-12ab-34cd-56ef-1234567890ab",
                                     Tags=[{"TagKey": t["Key"], "TagValue": t["Value"]} for t in tags])),
    ]


def client_request(i):
    service, operation, parameters = rng.choice(client_calls())
    token = TOKEN if rng.random() < 0.3 else None
    region = rng.choice(["us-east-1", "eu-central-2"])
    client = boto3.client(service, region_name=region, endpoint_url="https://127.0.0.1:8443",
                          aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, aws_session_token=token,
                          config=Config(signature_version="s3v4" if service == "s3" else "v4", s3={"addressing_style": "path"}, parameter_validation=False,
                                        retries={"max_attempts": 0}))
    name = "%s-%s-%d" % (service, operation, i)
    if service == "s3" and operation in ("get_object", "put_object", "delete_object") and rng.random() < 0.5:
        for streaming in ("Body", "ChecksumAlgorithm"):
            parameters.pop(streaming, None)
        url = client.generate_presigned_url(operation, parameters, ExpiresIn=rng.randint(1, 604800))
        method = recorded["canonical"].split("\n", 1)[0]
        headers = [h.split(":", 1) for h in recorded["canonical"].split("\n\n")[0].split("\n")[3:]]
        return vector("presigned-" + name, method, url, headers, b"", service, region, token, "query")
    caught = []

    def catch(request, **_):
        caught.append(request)
        return AWSResponse(request.url, 200, {}, _Raw())

    client.meta.events.register_first("before-send.*.*", catch)
    try:
        getattr(client, operation)(**parameters)
    except Exception as error:  # the empty answer may not be parsed; the request is what counts
        assert caught, error
    request = caught[0]
    body = request.body.encode() if isinstance(request.body, str) else request.body
    body = body if isinstance(body, bytes) else body.read() if body else b""
    scope = recorded["string_to_sign"].split("\n")[2].split("/")
    return vector(name, request.method, request.url, request.headers.items(), body, scope[2], scope[1], token, "header")


class _Raw:
    def stream(self, **_):
        return iter([b""])

    def read(self, *_):
        return b""


def main():
    record_texts()
    count = int(sys.argv[2])
    vectors = [odd_request(i) if i % 2 else client_request(i) for i in range(count)]
    print('{"botocore": "%s", "secret_key": "%s", "vectors": [' % (botocore.__version__, SECRET_KEY))
    print(",\n".join(json.dumps(v, separators=(",", ":")) for v in vectors))
    print("]}")


main()
