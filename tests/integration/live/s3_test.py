#!/usr/bin/python3
"""boto3, aws-cli and curl against a running Cloister: the S3 subset. Usage: s3_test.py CLOISTERD. Speaks TAP."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from instance import Instance, Report  # noqa: E402

t = Report()
scratch = tempfile.TemporaryDirectory()


def body_of(size, seed=0):
    return hashlib.shake_128(seed.to_bytes(8, "big")).digest(size) if size else b""


def objects(i):
    s3 = i.client("s3", "hospital")
    t.same("a bucket is made", s3.create_bucket(Bucket="ward")["ResponseMetadata"]["HTTPStatusCode"], 200)
    t.check("it is listed", [b["Name"] for b in s3.list_buckets()["Buckets"]] == ["ward"])
    for size in (0, 1, 16383, 16384, 16385, 262143, 262144, 262145, 5_000_000):
        data = body_of(size)
        put = s3.put_object(Bucket="ward", Key=f"size/{size}", Body=data, ContentType="text/x-test", Metadata={"a": "b c"})
        got = s3.get_object(Bucket="ward", Key=f"size/{size}")
        t.check(f"{size} bytes come back as they were",
                got["Body"].read() == data and got["ETag"] == put["ETag"] and got["VersionId"] == put["VersionId"]
                and got["ContentType"] == "text/x-test" and got["Metadata"] == {"a": "b c"}
                and got["ServerSideEncryption"] == "aws:kms", got)
    data = body_of(5_000_000)
    for wanted, first, last in (("bytes=0-0", 0, 0), ("bytes=16380-16390", 16380, 16390),
                                ("bytes=4999990-", 4999990, 4999999), ("bytes=-7", 4999993, 4999999)):
        got = s3.get_object(Bucket="ward", Key="size/5000000", Range=wanted)
        t.check(f"range {wanted}", got["Body"].read() == data[first:last + 1]
                and got["ContentRange"] == f"bytes {first}-{last}/5000000", got)
    t.refused("a range past the end", "InvalidRange", s3.get_object, Bucket="ward", Key="size/1", Range="bytes=5-9")
    t.same("head tells the length", s3.head_object(Bucket="ward", Key="size/16385")["ContentLength"], 16385)
    t.refused("a key that is not there", "NoSuchKey", s3.get_object, Bucket="ward", Key="none")
    t.refused("a bucket that is not there", "NoSuchBucket", s3.get_object, Bucket="no-such-bucket", Key="none")
    odd = "a b/ü+&%/../x//y"
    s3.put_object(Bucket="ward", Key=odd, Body=b"odd")
    t.same("an odd key", s3.get_object(Bucket="ward", Key=odd)["Body"].read(), b"odd")


def lists(i):
    s3 = i.client("s3", "hospital")
    s3.create_bucket(Bucket="lists")
    keys = sorted(["a", "a/1", "a/2", "b/1", "b/x/1", "c", "d"])
    for key in keys:
        s3.put_object(Bucket="lists", Key=key, Body=b"x")
    page = s3.list_objects_v2(Bucket="lists", Delimiter="/")
    t.same("keys of the top", [o["Key"] for o in page["Contents"]], ["a", "c", "d"])
    t.same("common prefixes", [p["Prefix"] for p in page["CommonPrefixes"]], ["a/", "b/"])
    t.same("a prefix", [o["Key"] for o in s3.list_objects_v2(Bucket="lists", Prefix="b/")["Contents"]], ["b/1", "b/x/1"])
    found = [o["Key"] for p in s3.get_paginator("list_objects_v2").paginate(Bucket="lists", PaginationConfig={"PageSize": 2})
             for o in p.get("Contents", [])]
    t.same("pages of two", found, keys)
    found = [o["Key"] for p in s3.get_paginator("list_objects").paginate(Bucket="lists", PaginationConfig={"PageSize": 3})
             for o in p.get("Contents", [])]
    t.same("the first version of the call", found, keys)


def versions(i):
    s3 = i.client("s3", "hospital")
    first = s3.put_object(Bucket="ward", Key="v", Body=b"one")["VersionId"]
    second = s3.put_object(Bucket="ward", Key="v", Body=b"two")["VersionId"]
    t.same("the older version", s3.get_object(Bucket="ward", Key="v", VersionId=first)["Body"].read(), b"one")
    gone = s3.delete_object(Bucket="ward", Key="v")
    t.check("a delete leaves a marker", gone.get("DeleteMarker") is True, gone)
    t.refused("which hides the key", "NoSuchKey", s3.get_object, Bucket="ward", Key="v")
    s3.delete_object(Bucket="ward", Key="v", VersionId=gone["VersionId"])
    t.same("until it is removed", s3.get_object(Bucket="ward", Key="v")["Body"].read(), b"two")
    listed = s3.list_object_versions(Bucket="ward", Prefix="v")["Versions"]
    t.same("versions are listed, newest first", [v["VersionId"] for v in listed], [second, first])
    done = s3.delete_objects(Bucket="ward", Delete={"Objects": [{"Key": "v", "VersionId": first}, {"Key": "size/1"}]})
    t.same("two at once", sorted(d["Key"] for d in done["Deleted"]), ["size/1", "v"])
    t.refused("a bucket with something in it", "BucketNotEmpty", s3.delete_bucket, Bucket="ward")
    s3.create_bucket(Bucket="short-lived")
    s3.delete_bucket(Bucket="short-lived")
    t.refused("an empty one goes", "NoSuchBucket", s3.list_objects_v2, Bucket="short-lived")


def multipart(i):
    s3 = i.client("s3", "hospital")
    parts = [body_of(5 << 20, 1), body_of(5 << 20, 2), body_of(12345, 3)]
    upload = s3.create_multipart_upload(Bucket="ward", Key="big")["UploadId"]
    tags = [s3.upload_part(Bucket="ward", Key="big", UploadId=upload, PartNumber=n, Body=p)["ETag"]
            for n, p in enumerate(parts, 1)]
    t.same("parts are listed", [p["Size"] for p in s3.list_parts(Bucket="ward", Key="big", UploadId=upload)["Parts"]],
           [len(p) for p in parts])
    wrong = {"Parts": [{"PartNumber": 1, "ETag": '"00"'}]}
    t.refused("a part with another tag", "InvalidPart", s3.complete_multipart_upload, Bucket="ward", Key="big",
              UploadId=upload, MultipartUpload=wrong)
    s3.complete_multipart_upload(Bucket="ward", Key="big", UploadId=upload,
                                 MultipartUpload={"Parts": [{"PartNumber": n, "ETag": e} for n, e in enumerate(tags, 1)]})
    whole = b"".join(parts)
    t.check("three parts become one object", s3.get_object(Bucket="ward", Key="big")["Body"].read() == whole)
    got = s3.get_object(Bucket="ward", Key="big", Range=f"bytes={(5 << 20) - 3}-{(5 << 20) + 2}")["Body"].read()
    t.check("a range across parts", got == whole[(5 << 20) - 3:(5 << 20) + 3])
    upload = s3.create_multipart_upload(Bucket="ward", Key="never")["UploadId"]
    s3.abort_multipart_upload(Bucket="ward", Key="never", UploadId=upload)
    t.refused("an upload that was aborted", "NoSuchUpload", s3.upload_part, Bucket="ward", Key="never", UploadId=upload,
              PartNumber=1, Body=b"x")


def others(i):
    bank, lab = i.client("s3", "bank"), i.client("s3", "lab")
    t.refused("another account reads nothing", "AccessDenied", lab.get_object, Bucket="ward", Key="size/0")
    t.refused("lists nothing", "AccessDenied", lab.list_objects_v2, Bucket="ward")
    t.refused("writes nothing", "AccessDenied", lab.put_object, Bucket="ward", Key="x", Body=b"x")
    t.refused("nor the operator", "AccessDenied", i.client("s3", i.operator).get_object, Bucket="ward", Key="size/0")
    t.refused("a name that is taken", "BucketAlreadyExists", bank.create_bucket, Bucket="ward")
    forged = dict(i.account["hospital"], secret_key="0" * 40)
    t.refused("a wrong secret", "SignatureDoesNotMatch", i.client("s3", forged).list_buckets)
    unknown = {"access_key": "CLAK00000000000000AA", "secret_key": "0" * 40}
    t.refused("an unknown key", "InvalidAccessKeyId", i.client("s3", unknown).list_buckets)


def tools(i):
    s3 = i.client("s3", "hospital")
    presigner = i.client("s3", "hospital", signature_version="s3v4")  # botocore 1.29 would sign by version 2
    url = presigner.generate_presigned_url("get_object", Params={"Bucket": "ward", "Key": "size/16385"}, ExpiresIn=60)
    got = subprocess.run(["curl", "-sf", "--cacert", i.ca, url], capture_output=True)
    t.check("curl with a presigned URL", got.returncode == 0 and got.stdout == body_of(16385), got)
    got = subprocess.run(["curl", "-s", "--cacert", i.ca, url.replace("16385", "16384")], capture_output=True, text=True)
    t.check("and not for another object", "SignatureDoesNotMatch" in got.stdout, got.stdout)
    path = os.path.join(scratch.name, "file")
    with open(path, "wb") as f:
        f.write(body_of(20_000_000, 9))
    env = {"PATH": "/usr/bin:/bin", "HOME": scratch.name, "AWS_ACCESS_KEY_ID": i.account["hospital"]["access_key"],
           "AWS_SECRET_ACCESS_KEY": i.account["hospital"]["secret_key"], "AWS_DEFAULT_REGION": i.region,
           "AWS_CA_BUNDLE": i.ca, "AWS_EC2_METADATA_DISABLED": "true"}
    aws = ["/usr/bin/aws", "--endpoint-url", i.endpoint]
    for command in (["s3", "cp", path, "s3://ward/cli"], ["s3", "cp", "s3://ward/cli", path + ".back"],
                    ["s3", "ls", "s3://ward/"], ["s3api", "head-object", "--bucket", "ward", "--key", "cli"],
                    ["s3", "rm", "s3://ward/cli"]):
        done = subprocess.run(aws + command, env=env, capture_output=True, text=True)
        t.check("aws " + " ".join(command[:2]), done.returncode == 0, done.stderr)
    t.check("aws brings back what it took", open(path + ".back", "rb").read() == body_of(20_000_000, 9))


def policies(i):
    hospital, lab = i.client("s3", "hospital"), i.client("s3", "lab")
    lab_root = i.account["lab"]["arn"]
    hospital.create_bucket(Bucket="shared")
    hospital.put_object(Bucket="shared", Key="k", Body=b"shared")
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": lab_root}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shared/*"}]}
    hospital.put_bucket_policy(Bucket="shared", Policy=json.dumps(policy))
    t.same("a bucket's policy comes back", json.loads(hospital.get_bucket_policy(Bucket="shared")["Policy"]), policy)
    t.refused("it is not enough while the key's policy refuses", "AccessDenied", lab.get_object, Bucket="shared", Key="k")
    t.refused("and gives nothing more", "AccessDenied", lab.put_object, Bucket="shared", Key="k", Body=b"x")


with Instance(sys.argv[1], os.path.join(scratch.name, "log")) as instance:
    for group in (objects, lists, versions, multipart, others, tools, policies):
        try:
            group(instance)
        except Exception as error:  # one broken group must not hide the others
            t.check(f"{group.__name__} goes through", False, repr(error))
if not all(t.good):
    print("# " + open(os.path.join(scratch.name, "log")).read()[-3000:].replace("\n", "\n# "))
t.end()
