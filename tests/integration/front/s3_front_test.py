"""The S3 data path of front, with a stand-in for keys (standin.h). Writes TAP."""
import binascii, random, re, sys, traceback

sys.path.insert(0, __import__("os").path.dirname(__import__("os").path.abspath(__file__)))
from harness import *

TESTS = []
front = None
MIB = 1 << 20


def test(function):
    TESTS.append(function)
    return function


def put(key, body, bucket="bucket", **headers):
    a = front.ask("PUT", "/%s/%s" % (bucket, quote(key)), body, {k.replace("_", "-"): v for k, v in headers.items()})
    assert a.status == 200, (a.status, a.body)
    return a


def get(key, bucket="bucket", query="", **headers):
    return front.ask("GET", "/%s/%s%s" % (bucket, quote(key), query), None,
                     {k.replace("_", "-"): v for k, v in headers.items()})


def absent(key, bucket="bucket"):
    a = get(key, bucket)
    return a.status == 404 and a.code == "NoSuchKey"


# --- health, routing ---------------------------------------------------------------------------------------------------

@test
def health_and_readiness_are_told_without_credentials():
    assert json.loads(front.ask("GET", "/-/healthz").body) == {"status": "alive"}
    a = front.ask("GET", "/-/readyz")
    assert a.status == 200 and json.loads(a.body)["status"] == "ready", a.body


@test
def every_answer_carries_a_request_id_of_its_own():
    ids = [front.ask("GET", t)["x-amz-request-id"] for t in ("/-/healthz", "/bucket/none", "/bucket?list-type=2")]
    assert all(re.fullmatch("[0-9A-Z]{16}", i) for i in ids) and len(set(ids)) == 3, ids
    error = get("none")
    assert error.xml().findtext("RequestId") == error["x-amz-request-id"]


@test
def requests_that_are_not_of_s3_go_to_keys_with_their_bytes():
    kms = {"Authorization": "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/kms/aws4_request, SignedHeaders=host, "
                            "Signature=00", "X-Amz-Target": "TrentService.Encrypt"}
    for method, target, headers in (("POST", "/", kms),
                                    ("POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}),
                                    ("POST", "/-/v1/anything", {})):
        body = pattern(100000)
        a = front.ask(method, target, body, headers)
        assert a.status == 200 and a.body == body and a["Content-Type"] == "application/x-amz-json-1.1", a.body[:80]


@test
def what_is_not_offered_is_refused_by_name():
    for method, target, headers in (("GET", "/bucket/key?acl", {}), ("PUT", "/bucket/key?tagging", {}),
                                    ("PUT", "/bucket/key", {"x-amz-copy-source": "/bucket/other"}),
                                    ("PUT", "/bucket/key", {"x-amz-acl": "public-read"}),
                                    ("PUT", "/bucket/key", {"x-amz-server-side-encryption": "AES256"}),
                                    ("PUT", "/bucket/key", {"x-amz-tagging": "a=b"}),
                                    ("PUT", "/bucket/key", {"x-amz-checksum-xxhash64": "AAAAAAAAAAA="})):
        a = front.ask(method, target, b"x" if method == "PUT" else None, headers)
        assert a.status == 501 and a.code == "NotImplemented", (target, headers, a.status, a.body)
    assert absent("key")


@test
def refusals_of_keys_reach_the_client():
    a = front.ask("PUT", "/missing-bucket/key", b"x")
    assert (a.status, a.code) == (404, "NoSuchBucket"), a.body
    a = front.ask("PUT", "/locked/key", b"x")
    assert (a.status, a.code) == (403, "AccessDenied"), a.body
    a = front.ask("PUT", "/bucket/key", b"x", {"x-amz-expected-bucket-owner": "999999999999"})
    assert (a.status, a.code) == (403, "AccessDenied"), a.body
    assert absent("key", "locked") and absent("key")


@test
def a_bucket_is_removed_only_when_it_is_empty():
    put("there", b"x", bucket="tobegone")
    a = front.ask("DELETE", "/tobegone")
    assert (a.status, a.code) == (409, "BucketNotEmpty"), a.body
    version = get("there", "tobegone")["x-amz-version-id"]
    assert front.ask("DELETE", "/tobegone/there?versionId=" + version).status == 204
    assert front.ask("DELETE", "/tobegone").status == 204


# --- writing and reading -----------------------------------------------------------------------------------------------

EDGES = [0, 1, 2, 16383, 16384, 16385, 32768, 262143, 262144, 262145, 524288, MIB - 1, MIB, 5 * MIB + 3]


@test
def objects_of_all_sizes_come_back_as_they_were():
    for size in EDGES:
        body = pattern(size, size)
        made = put("size/%d" % size, body)
        a = get("size/%d" % size)
        assert a.status == 200 and a.body == body, (size, a.status, len(a.body))
        assert a["ETag"] == made["ETag"] and re.fullmatch('"[0-9a-f]{32}"', a["ETag"]), a["ETag"]
        assert a["x-amz-version-id"] == made["x-amz-version-id"]
        assert a["x-amz-server-side-encryption"] == "aws:kms" and a["Accept-Ranges"] == "bytes"
        head = front.ask("HEAD", "/bucket/size/%d" % size)
        assert head.status == 200 and head.body == b"" and head["Content-Length"] == str(size)


@test
def any_range_is_what_a_slice_would_be():
    size = 600001
    body = pattern(size, 5)
    put("ranges", body)
    chance = random.Random(1)
    cases = [(0, 0), (0, size - 1), (16383, 16384), (262143, 262144), (size - 1, size - 1), (5, size + 100)]
    cases += [sorted((chance.randrange(size), chance.randrange(size))) for _ in range(40)]
    for first, last in cases:
        a = get("ranges", Range="bytes=%d-%d" % (first, last))
        end = min(last, size - 1)
        assert a.status == 206 and a.body == body[first:end + 1], (first, last, a.status, len(a.body))
        assert a["Content-Range"] == "bytes %d-%d/%d" % (first, end, size)
    for last in (1, 16384, 300000, size, size + 5):
        a = get("ranges", Range="bytes=-%d" % last)
        assert a.status == 206 and a.body == body[-last:], last
    assert get("ranges", Range="bytes=100-").body == body[100:]
    a = get("ranges", Range="bytes=%d-" % size)
    assert a.status == 416 and a.code == "InvalidRange"
    assert get("ranges", Range="lines=1-2").status == 200
    etag = get("ranges")["ETag"]
    assert get("ranges", Range="bytes=0-9", If_Range=etag).status == 206
    assert get("ranges", Range="bytes=0-9", If_Range='"other"').status == 200


@test
def conditional_reads_follow_the_standard():
    etag = put("conditional", b"x")["ETag"]
    modified = get("conditional")["Last-Modified"]
    old, new = "Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 31 Dec 2100 08:49:37 GMT"
    for headers, status in (({"If-Match": etag}, 200), ({"If-Match": '"x", %s' % etag}, 200), ({"If-Match": "*"}, 200),
                            ({"If-Match": '"x"'}, 412), ({"If-None-Match": etag}, 304),
                            ({"If-None-Match": '"x"'}, 200), ({"If-None-Match": "*"}, 304),
                            ({"If-Modified-Since": modified}, 304), ({"If-Modified-Since": old}, 200),
                            ({"If-Modified-Since": new}, 304), ({"If-Unmodified-Since": old}, 412),
                            ({"If-Unmodified-Since": modified}, 200), ({"If-Unmodified-Since": "nonsense"}, 200),
                            ({"If-Match": etag, "If-Unmodified-Since": old}, 200),
                            ({"If-None-Match": '"x"', "If-Modified-Since": new}, 200)):
        a = front.ask("GET", "/bucket/conditional", None, headers)
        assert a.status == status, (headers, a.status)
        if status == 304:
            assert a["ETag"] == etag and a.body == b"", a.body
        if status == 412:
            assert a.code == "PreconditionFailed"


@test
def conditional_writes_have_one_winner():
    key = "once"
    a = front.ask("PUT", "/bucket/" + key, b"first", {"If-None-Match": "*"})
    assert a.status == 200, a.body
    b = front.ask("PUT", "/bucket/" + key, b"second", {"If-None-Match": "*"})
    assert (b.status, b.code) == (412, "PreconditionFailed"), b.body
    assert front.ask("PUT", "/bucket/" + key, b"third", {"If-Match": '"other"'}).status == 412
    assert front.ask("PUT", "/bucket/" + key, b"third", {"If-Match": a["ETag"]}).status == 200
    assert front.ask("PUT", "/bucket/" + key, b"fourth", {"If-Match": a["ETag"]}).status == 412
    assert get(key).body == b"third"
    results = []
    threads = [threading.Thread(target=lambda i=i: results.append(
        front.ask("PUT", "/bucket/race", b"%d" % i, {"If-None-Match": "*"}).status)) for i in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(results) == [200] + [412] * 7, results
    # A key whose latest version is a delete marker counts as absent.
    front.ask("DELETE", "/bucket/race")
    assert front.ask("PUT", "/bucket/race", b"again", {"If-None-Match": "*"}).status == 200


@test
def metadata_comes_back_and_can_be_overridden():
    put("meta", b"x", Content_Type="text/x-test", Cache_Control="no-store", Content_Disposition="attachment",
        Content_Encoding="gzip", Content_Language="de", Expires="never", **{"x-amz-meta-One": "1", "X-Amz-Meta-two": "zwei"})
    a = get("meta")
    assert (a["Content-Type"], a["Cache-Control"], a["Content-Encoding"]) == ("text/x-test", "no-store", "gzip")
    assert (a["Content-Disposition"], a["Content-Language"], a["Expires"]) == ("attachment", "de", "never")
    assert a["x-amz-meta-one"] == "1" and a["x-amz-meta-two"] == "zwei"
    a = get("meta", query="?response-content-type=a%2Fb&response-cache-control=x")
    assert (a["Content-Type"], a["Cache-Control"]) == ("a/b", "x")
    a = get("meta", query="?response-content-type=a%0D%0AX-Evil%3A%201")
    assert a.status == 400 and a["X-Evil"] is None
    assert get("size/1")["Content-Type"] == "binary/octet-stream"
    S3_USER_METADATA_BYTES_MAX = 2048
    name = "x-amz-meta-a"
    assert front.ask("PUT", "/bucket/meta2", b"", {name: "v" * (S3_USER_METADATA_BYTES_MAX - 1)}).status == 200
    a = front.ask("PUT", "/bucket/meta3", b"", {name: "v" * S3_USER_METADATA_BYTES_MAX})
    assert (a.status, a.code) == (400, "MetadataTooLarge")
    assert absent("meta3")


@test
def keys_may_hold_anything_that_utf8_can():
    for key in ("ä/ö ü", "a//b", "../up", "./here", "a+b%20c", "tab\tkey", "x" * 1024, "日本", "a&b<c>'\""):
        put("odd/" + key if len(key) < 1000 else key, key.encode())
        a = get("odd/" + key if len(key) < 1000 else key)
        assert a.status == 200 and a.body == key.encode(), (key, a.status)
    a = front.ask("PUT", "/bucket/" + "x" * 1025, b"")
    assert (a.status, a.code) == (400, "KeyTooLongError")


# --- what is wrong is not stored ---------------------------------------------------------------------------------------

def sums(body):
    return {"x-amz-checksum-crc32": b64(binascii.crc32(body).to_bytes(4, "big")),
            "x-amz-checksum-sha1": b64(hashlib.sha1(body).digest()),
            "x-amz-checksum-sha256": b64(hashlib.sha256(body).digest())}


@test
def checksums_in_headers_are_verified_kept_and_shown():
    body = pattern(300000, 9)
    for name, value in sums(body).items():
        a = front.ask("PUT", "/bucket/sum", body, {name: value})
        assert a.status == 200 and a[name] == value, a.body
        assert get("sum")[name] is None
        shown = get("sum", x_amz_checksum_mode="ENABLED")
        assert shown[name] == value and shown["x-amz-checksum-type"] == "FULL_OBJECT"
        assert get("sum", x_amz_checksum_mode="ENABLED", Range="bytes=0-9")[name] is None
        a = front.ask("PUT", "/bucket/badsum", body + b"!", {name: value})
        assert (a.status, a.code) == (400, "BadDigest"), a.body
    assert absent("badsum")


@test
def an_md5_or_sha256_that_is_not_the_bodys_stores_nothing():
    body = pattern(70000)
    good, bad = b64(hashlib.md5(body).digest()), b64(hashlib.md5(b"").digest())
    assert front.ask("PUT", "/bucket/md5", body, {"Content-MD5": good}).status == 200
    assert front.ask("PUT", "/bucket/wrong", body, {"Content-MD5": bad}).code == "BadDigest"
    assert front.ask("PUT", "/bucket/wrong", body, {"Content-MD5": "nonsense"}).code == "InvalidDigest"
    sha = hashlib.sha256(body).hexdigest()
    assert front.ask("PUT", "/bucket/sha", body, {"x-amz-content-sha256": sha}).status == 200
    a = front.ask("PUT", "/bucket/wrong", body[1:], {"x-amz-content-sha256": sha})
    assert (a.status, a.code) == (400, "XAmzContentSHA256Mismatch"), a.body
    assert absent("wrong")


def chunked(body, size, trailer=None, signature=None, bad_at=None):
    out, at, n = b"", 0, 0
    while True:
        piece = body[at:at + size]
        head = b"%x" % len(piece)
        if signature:
            head += b";chunk-signature=" + (b"f" * 64 if n == bad_at else signature)
        out += head + b"\r\n"
        if not piece:
            break
        out += piece + b"\r\n"
        at, n = at + size, n + 1
    for name, value in (trailer or {}).items():
        out += ("%s:%s\r\n" % (name, value)).encode()
    if trailer and signature:
        out += b"x-amz-trailer-signature:" + signature + b"\r\n"
    return out + b"\r\n"


def put_chunked(key, body, mode, size=65536, trailer=None, **how):
    raw = chunked(body, size, trailer, **how)
    headers = {"x-amz-content-sha256": mode, "x-amz-decoded-content-length": str(len(body)),
               "Content-Encoding": "aws-chunked"}
    if trailer:
        headers["x-amz-trailer"] = ",".join(trailer)
    return front.ask("PUT", "/bucket/" + key, raw, headers)


@test
def aws_chunked_bodies_are_taken_out_of_their_chunks():
    for size in (0, 1, 65536, 65537, 700000, 20 * MIB):
        body = pattern(size, size + 1)
        crc = {"x-amz-checksum-crc32": sums(body)["x-amz-checksum-crc32"]}
        sig = b"0" * 64
        for mode, trailer, how in (("STREAMING-UNSIGNED-PAYLOAD-TRAILER", crc, {}),
                                   ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", None, {"signature": sig}),
                                   ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", crc, {"signature": sig})):
            a = put_chunked("chunked", body, mode, trailer=trailer, **how)
            assert a.status == 200, (size, mode, a.body)
            a = get("chunked", x_amz_checksum_mode="ENABLED")
            assert a.body == body and a["Content-Encoding"] is None, (size, mode)
            if trailer:
                assert a["x-amz-checksum-crc32"] == crc["x-amz-checksum-crc32"]
    # More chunks than one call to keys holds (S3_CHUNKS_PER_CALL_MAX).
    body = pattern(8192 * 600 + 5)
    assert put_chunked("many", body, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", size=8192, signature=b"0" * 64).status == 200
    assert get("many").body == body


@test
def a_chunked_body_with_anything_wrong_stores_nothing():
    body = pattern(8192 * 600, 3)
    sig = b"0" * 64
    for bad_at in (0, 1, 299, 600):
        a = put_chunked("nochunk", body, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", size=8192, signature=sig, bad_at=bad_at)
        assert (a.status, a.code) == (403, "SignatureDoesNotMatch"), (bad_at, a.body)
    mode = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    a = put_chunked("nochunk", body, mode, trailer={"x-amz-checksum-crc32": "AAAAAA=="})
    assert (a.status, a.code) == (400, "BadDigest"), a.body
    a = put_chunked("nochunk", body, mode, trailer={"x-amz-checksum-unknown": "AAAAAA=="})
    assert a.status == 400, a.body
    raw = chunked(body, 65536)
    headers = {"x-amz-content-sha256": mode, "x-amz-decoded-content-length": str(len(body))}
    for changed in (raw[:-4], raw[:-2] + b"x:y\r\n\r\n", raw[:100], raw.replace(b"10000\r\n", b"10001\r\n", 1),
                    raw + b"more"):
        a = front.ask("PUT", "/bucket/nochunk", changed, headers)
        assert a.status == 400, (a.status, a.body)
    for length in (len(body) - 1, len(body) + 1):
        a = front.ask("PUT", "/bucket/nochunk", raw, dict(headers, **{"x-amz-decoded-content-length": str(length)}))
        assert a.status == 400, (length, a.status)
    del headers["x-amz-decoded-content-length"]
    a = front.ask("PUT", "/bucket/nochunk", raw, headers)
    assert (a.status, a.code) == (411, "MissingContentLength")
    assert absent("nochunk")


@test
def a_body_that_breaks_off_stores_nothing():
    for total, sent in ((100, 10), (300000, 299999), (5 * MIB, MIB)):
        c = front.connection()
        c.putrequest("PUT", "/bucket/broken")
        c.putheader("Content-Length", str(total))
        c.endheaders()
        c.send(pattern(sent))
        c.close()
    time.sleep(0.3)
    assert absent("broken")
    assert os.listdir(front.store + "/blobs/new") == []


@test
def bodies_over_the_limits_are_refused_before_they_are_read():
    S3_PUT_BYTES_MAX = 5 << 30
    c = front.connection()
    c.putrequest("PUT", "/bucket/huge")
    c.putheader("Content-Length", str(S3_PUT_BYTES_MAX + 1))
    c.endheaders()
    r = c.getresponse()
    assert r.status == 400 and b"EntityTooLarge" in r.read()
    a = front.ask("POST", "/bucket?delete", b" " * (5 << 20))
    assert a.status == 400 and a.code == "EntityTooLarge", a.body


# --- versions ----------------------------------------------------------------------------------------------------------

@test
def versions_markers_and_removals_work_as_in_s3():
    versions = [put("v", b"%d" % i)["x-amz-version-id"] for i in range(3)]
    for i, version in enumerate(versions):
        assert get("v", query="?versionId=" + version).body == b"%d" % i
    a = front.ask("DELETE", "/bucket/v")
    marker = a["x-amz-version-id"]
    assert a.status == 204 and a["x-amz-delete-marker"] == "true"
    a = get("v")
    assert (a.status, a.code, a["x-amz-delete-marker"]) == (404, "NoSuchKey", "true")
    a = get("v", query="?versionId=" + marker)
    assert (a.status, a.code, a["x-amz-delete-marker"]) == (405, "MethodNotAllowed", "true")
    assert front.ask("DELETE", "/bucket/v?versionId=" + marker)["x-amz-delete-marker"] == "true"
    assert get("v").body == b"2"
    assert front.ask("DELETE", "/bucket/v?versionId=" + versions[2]).status == 204
    assert get("v").body == b"1"
    a = get("v", query="?versionId=" + versions[2])
    assert (a.status, a.code) == (404, "NoSuchVersion")
    a = get("v", query="?versionId=nonsense")
    assert (a.status, a.code) == (400, "InvalidArgument")
    assert front.ask("DELETE", "/bucket/never-there").status == 204


@test
def many_objects_are_deleted_at_once():
    for i in range(5):
        put("many/%d" % i, b"x")
    put("keep/this", b"x")
    version = put("many/v", b"x")["x-amz-version-id"]
    put("many/v", b"y")
    items = "".join("<Object><Key>many/%d</Key></Object>" % i for i in range(5))
    items += "<Object><Key>keep/this</Key></Object><Object><Key>many/v</Key><VersionId>%s</VersionId></Object>" % version
    body = ("<Delete>%s</Delete>" % items).encode()
    a = front.ask("POST", "/bucket?delete", body, {"Content-MD5": b64(hashlib.md5(body).digest())})
    assert a.status == 200, a.body
    deleted = [d.findtext(NS + "Key") for d in a.xml().findall(NS + "Deleted")]
    assert deleted == ["many/%d" % i for i in range(5)] + ["many/v"], deleted
    errors = [(e.findtext(NS + "Key"), e.findtext(NS + "Code")) for e in a.xml().findall(NS + "Error")]
    assert errors == [("keep/this", "AccessDenied")], errors
    assert all(absent("many/%d" % i) for i in range(5)) and get("keep/this").status == 200
    assert get("many/v").body == b"y"
    quiet = front.ask("POST", "/bucket?delete", b"<Delete><Quiet>true</Quiet><Object><Key>many/v</Key></Object></Delete>")
    assert quiet.status == 200 and list(quiet.xml()) == []
    assert front.ask("POST", "/bucket?delete", b"<Delete><Obj").code == "MalformedXML"
    put("many/w", b"x")
    a = front.ask("POST", "/bucket?delete", b"<Delete><Object><Key>many/w</Key></Object></Delete>",
                  {"Content-MD5": b64(b"0" * 16)})
    assert a.code == "BadDigest" and get("many/w").status == 200


# --- lists -------------------------------------------------------------------------------------------------------------

def model(keys, prefix, delimiter):
    """What a list has: ("k", key) and ("p", common prefix), in order."""
    seen, out = set(), []
    for key in sorted(keys, key=lambda k: k.encode()):
        if not key.startswith(prefix):
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        entry = ("k", key) if at < 0 else ("p", key[:at + len(delimiter)])
        if entry not in seen:
            seen.add(entry)
            out.append(entry)
    return out


def pages(bucket, v2, prefix, delimiter, size):
    """All pages: lists of entries; each page is checked for its own claims."""
    token, out = None, []
    while True:
        q = {"prefix": prefix, "max-keys": size, "encoding-type": "url"}
        if delimiter:
            q["delimiter"] = delimiter
        if v2:
            q["list-type"] = 2
        if token is not None:
            q["continuation-token" if v2 else "marker"] = token
        x = front.ask("GET", "/%s?%s" % (bucket, urllib.parse.urlencode(q))).xml()
        un = urllib.parse.unquote
        page = [("k", un(c.findtext(NS + "Key"))) for c in x.findall(NS + "Contents")]
        page += [("p", un(c.findtext(NS + "Prefix"))) for c in x.findall(NS + "CommonPrefixes")]
        page.sort(key=lambda e: e[1].encode())
        assert len(page) <= size
        out.append(page)
        if v2:
            assert int(x.findtext(NS + "KeyCount")) == len(page)
        if x.findtext(NS + "IsTruncated") == "false":
            return out
        assert len(page) == size
        token = x.findtext(NS + "NextContinuationToken") if v2 else un(x.findtext(NS + "NextMarker"))


@test
def lists_agree_with_a_model_whatever_the_page():
    chance = random.Random(7)
    letters = ["a", "b", "/", "-", "ä", "b/"]
    keys = {"".join(chance.choice(letters) for _ in range(chance.randrange(1, 7))) for _ in range(120)}
    keys = {k for k in keys if not k.startswith("/")} | {"a", "a/", "a/b", "a/b/", "a/b/c", "b/b/b"}
    for key in keys:
        put(key, b"", bucket="lists")
    for key in list(keys)[:20]:
        front.ask("DELETE", "/lists/" + quote(key))
        keys.remove(key)
    for prefix in ("", "a", "a/", "b", "b/", "zz", "ä"):
        for delimiter in ("", "/", "b", "b/", "ä"):
            for size in (1, 2, 3, 7, 1000):
                for v2 in (True, False):
                    got = [e for page in pages("lists", v2, prefix, delimiter, size) for e in page]
                    want = model(keys, prefix, delimiter)
                    assert got == want, (prefix, delimiter, size, v2, got, want)


@test
def a_list_begins_where_it_is_told_and_refuses_nonsense():
    for key in ("s1", "s2", "s3"):
        put(key, b"", bucket="starts")
    x = front.ask("GET", "/starts?list-type=2&start-after=s1").xml()
    assert [c.findtext(NS + "Key") for c in x.findall(NS + "Contents")] == ["s2", "s3"]
    x = front.ask("GET", "/starts?list-type=2&max-keys=0").xml()
    assert x.findall(NS + "Contents") == [] and x.findtext(NS + "IsTruncated") == "false"
    S3_LIST_MAX = 1000
    assert front.ask("GET", "/starts?list-type=2&max-keys=5000").xml().findtext(NS + "MaxKeys") == str(S3_LIST_MAX)
    for bad in ("list-type=2&max-keys=x", "list-type=2&continuation-token=!!!", "max-keys=-1", "encoding-type=xml",
                "versions&version-id-marker=" + "0" * 32, "list-type=2&continuation-token=eHg="):
        a = front.ask("GET", "/starts?" + bad)
        assert (a.status, a.code) == (400, "InvalidArgument"), (bad, a.body)


@test
def lists_of_versions_have_every_version_once_newest_first():
    want = []
    for key in ("a", "b/1", "b/2", "c"):
        ids = [put(key, b"%d" % i, bucket="versions")["x-amz-version-id"] for i in range(3)]
        if key == "c":
            ids.append(front.ask("DELETE", "/versions/c")["x-amz-version-id"])
        want += [(key, i) for i in reversed(ids)]
    for size in (1, 2, 5, 1000):
        got, query, latest = [], "", []
        while True:
            x = front.ask("GET", "/versions?versions&max-keys=%d%s" % (size, query)).xml()
            entries = [e for e in x if e.tag in (NS + "Version", NS + "DeleteMarker")]
            got += [(e.findtext(NS + "Key"), e.findtext(NS + "VersionId")) for e in entries]
            latest += [e.findtext(NS + "VersionId") for e in entries if e.findtext(NS + "IsLatest") == "true"]
            if x.findtext(NS + "IsTruncated") == "false":
                break
            query = "&key-marker=%s&version-id-marker=%s" % (quote(x.findtext(NS + "NextKeyMarker")),
                                                             x.findtext(NS + "NextVersionIdMarker"))
        assert got == want, (size, got, want)
        assert latest == [want[0][1], want[3][1], want[6][1], want[9][1]], (size, latest)


# --- multipart ---------------------------------------------------------------------------------------------------------

def begin_upload(key, **headers):
    a = front.ask("POST", "/bucket/%s?uploads" % key, b"", {k.replace("_", "-"): v for k, v in headers.items()})
    assert a.status == 200, a.body
    return a.xml().findtext(NS + "UploadId")


def put_part(key, upload, number, body, **headers):
    return front.ask("PUT", "/bucket/%s?partNumber=%d&uploadId=%s" % (key, number, upload), body,
                     {k.replace("_", "-"): v for k, v in headers.items()})


def complete(key, upload, parts, headers=None):
    body = "".join("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>" % p for p in parts)
    return front.ask("POST", "/bucket/%s?uploadId=%s" % (key, upload),
                     ("<CompleteMultipartUpload>%s</CompleteMultipartUpload>" % body).encode(), headers)


@test
def parts_become_one_object():
    S3_PART_BYTES_MIN = 5 * MIB
    bodies = [pattern(S3_PART_BYTES_MIN, 1), pattern(S3_PART_BYTES_MIN + 16385, 2), pattern(10, 3)]
    upload = begin_upload("multi", Content_Type="x/y")
    etags = [put_part("multi", upload, n, b)["ETag"] for n, b in zip((1, 5, 10000), bodies)]
    assert absent("multi")
    a = complete("multi", upload, list(zip((1, 5, 10000), etags)))
    assert a.status == 200, a.body
    etag = a.xml().findtext(NS + "ETag")
    assert re.fullmatch('"[0-9a-f]{32}-3"', etag)
    whole = b"".join(bodies)
    a = get("multi")
    assert a.body == whole and a["ETag"] == etag and a["Content-Type"] == "x/y"
    edge = len(bodies[0])
    assert get("multi", Range="bytes=%d-%d" % (edge - 5, edge + 5)).body == whole[edge - 5:edge + 6]
    assert get("multi", Range="bytes=100-%d" % (len(whole) - 2)).body == whole[100:-1]
    for number, body in enumerate(bodies, 1):
        a = get("multi", query="?partNumber=%d" % number)
        assert a.status == 206 and a.body == body and a["x-amz-mp-parts-count"] == "3"
    assert get("multi", query="?partNumber=4").status == 416
    a = complete("multi", upload, [(1, etags[0])])
    assert (a.status, a.code) == (404, "NoSuchUpload")


@test
def an_upload_is_completed_only_with_the_parts_that_are_there():
    S3_PART_BYTES_MIN = 5 * MIB
    upload = begin_upload("strict")
    big = put_part("strict", upload, 1, pattern(S3_PART_BYTES_MIN))["ETag"]
    small = put_part("strict", upload, 2, pattern(S3_PART_BYTES_MIN - 1))["ETag"]
    last = put_part("strict", upload, 3, b"end")["ETag"]
    for parts, code in (([(1, big), (2, small), (3, last)], "EntityTooSmall"), ([(3, last), (1, big)], "InvalidPartOrder"),
                        ([(1, big), (1, big)], "InvalidPartOrder"), ([(1, small)], "InvalidPart"),
                        ([(4, last)], "InvalidPart"), ([], "MalformedXML"), ([(10001, last)], "MalformedXML")):
        a = complete("strict", upload, parts)
        assert (a.status, a.code) == (400, code), (parts, a.body)
    for number in ("0", "10001", "x"):
        a = front.ask("PUT", "/bucket/strict?partNumber=%s&uploadId=%s" % (number, upload), b"")
        assert (a.status, a.code) == (400, "InvalidArgument"), (number, a.body)
    a = put_part("other-key", upload, 1, b"x")
    assert (a.status, a.code) == (404, "NoSuchUpload"), a.body
    a = complete("strict", upload, [(1, big), (3, last)], {"x-amz-mp-object-size": "7"})
    assert (a.status, a.code) == (400, "InvalidRequest"), a.body
    assert absent("strict")
    put("strict", b"already")
    a = complete("strict", upload, [(1, big), (3, last)], {"If-None-Match": "*"})
    assert (a.status, a.code) == (412, "PreconditionFailed"), a.body
    assert complete("strict", upload, [(1, big), (3, last)]).status == 200


@test
def an_aborted_upload_leaves_nothing():
    upload = begin_upload("aborted")
    etag = put_part("aborted", upload, 1, pattern(MIB))["ETag"]
    assert front.ask("DELETE", "/bucket/aborted?uploadId=" + upload).status == 204
    for a in (put_part("aborted", upload, 2, b"x"), complete("aborted", upload, [(1, etag)]),
              front.ask("DELETE", "/bucket/aborted?uploadId=" + upload),
              front.ask("GET", "/bucket/aborted?uploadId=" + upload), put_part("aborted", "nonsense", 1, b"x")):
        assert (a.status, a.code) == (404, "NoSuchUpload"), a.body


@test
def uploads_and_parts_are_listed_page_by_page():
    uploads = sorted((key, begin_upload("listed/" + key)) for key in ("a", "a", "b", "c"))
    got, query = [], ""
    while True:
        x = front.ask("GET", "/bucket?uploads&prefix=listed/&max-uploads=1" + query).xml()
        got += [(u.findtext(NS + "Key")[7:], u.findtext(NS + "UploadId")) for u in x.findall(NS + "Upload")]
        if x.findtext(NS + "IsTruncated") == "false":
            break
        query = "&key-marker=%s&upload-id-marker=%s" % (quote(x.findtext(NS + "NextKeyMarker")),
                                                        x.findtext(NS + "NextUploadIdMarker"))
    assert got == uploads, (got, uploads)
    key, upload = uploads[0]
    body = pattern(1000)
    for number in (3, 1, 7):
        assert put_part("listed/" + key, upload, number, body, **{"x-amz-checksum-crc32":
               sums(body)["x-amz-checksum-crc32"]}).status == 200
    x = front.ask("GET", "/bucket/listed/%s?uploadId=%s&max-parts=2" % (key, upload)).xml()
    assert [p.findtext(NS + "PartNumber") for p in x.findall(NS + "Part")] == ["1", "3"]
    assert x.find(NS + "Part").findtext(NS + "ChecksumCRC32") == sums(body)["x-amz-checksum-crc32"]
    assert x.findtext(NS + "IsTruncated") == "true" and x.findtext(NS + "NextPartNumberMarker") == "3"
    x = front.ask("GET", "/bucket/listed/%s?uploadId=%s&part-number-marker=3" % (key, upload)).xml()
    assert [p.findtext(NS + "PartNumber") for p in x.findall(NS + "Part")] == ["7"]


# --- other people's clients --------------------------------------------------------------------------------------------

@test
def boto3_works_over_tls_and_plain():
    import io
    for tls in (True, False):
        s3 = front.boto(tls)
        body = pattern(3 * MIB + 7, 11)
        put_answer = s3.put_object(Bucket="boto", Key="k", Body=io.BytesIO(body), Metadata={"a": "b"})
        got = s3.get_object(Bucket="boto", Key="k")
        assert got["Body"].read() == body and got["Metadata"] == {"a": "b"}
        assert got["ServerSideEncryption"] == "aws:kms" and got["VersionId"] == put_answer["VersionId"]
        for algorithm in ("CRC32", "SHA1", "SHA256"):
            s3.put_object(Bucket="boto", Key="sum", Body=io.BytesIO(body), ChecksumAlgorithm=algorithm)
            got = s3.get_object(Bucket="boto", Key="sum", ChecksumMode="ENABLED")
            assert got["Body"].read() == body and got["Checksum" + algorithm], algorithm
        assert s3.head_object(Bucket="boto", Key="k")["ContentLength"] == len(body)
        from boto3.s3.transfer import TransferConfig
        big = pattern(17 * MIB + 1, 12)
        s3.upload_fileobj(io.BytesIO(big), "boto", "big", Config=TransferConfig(multipart_threshold=8 * MIB))
        out = io.BytesIO()
        s3.download_fileobj("boto", "big", out)
        assert out.getvalue() == big
        for i in range(12):
            s3.put_object(Bucket="boto", Key="list/%02d" % i, Body=b"")
        pages_ = s3.get_paginator("list_objects_v2").paginate(Bucket="boto", Prefix="list/", PaginationConfig={"PageSize": 5})
        assert [o["Key"] for p in pages_ for o in p["Contents"]] == ["list/%02d" % i for i in range(12)]
        removed = s3.delete_objects(Bucket="boto", Delete={"Objects": [{"Key": "list/%02d" % i} for i in range(12)]})
        assert len(removed["Deleted"]) == 12
        assert s3.list_objects_v2(Bucket="boto", Prefix="list/")["KeyCount"] == 0


@test
def boto3_multipart_checksums_are_of_the_kind_composite():
    import io
    from boto3.s3.transfer import TransferConfig
    s3 = front.boto()
    body = pattern(12 * MIB, 13)
    for algorithm in ("CRC32", "SHA256"):
        s3.upload_fileobj(io.BytesIO(body), "boto", "sums", ExtraArgs={"ChecksumAlgorithm": algorithm},
                          Config=TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=6 * MIB))
        got = s3.get_object(Bucket="boto", Key="sums", ChecksumMode="ENABLED")
        assert got["Body"].read() == body
        digests = b"".join(base64.b64decode(sums(body[i:i + 6 * MIB])["x-amz-checksum-" + algorithm.lower()])
                           for i in (0, 6 * MIB))
        assert got["Checksum" + algorithm] == sums(digests)["x-amz-checksum-" + algorithm.lower()] + "-2", got


# --- damage, crashes ---------------------------------------------------------------------------------------------------

@test
def damage_is_never_served_and_always_told():
    body = pattern(3 * MIB, 21)
    before = set(subprocess.run(["find", front.store + "/blobs", "-type", "f"], stdout=subprocess.PIPE).stdout.split())
    put("damaged", body)
    after = set(subprocess.run(["find", front.store + "/blobs", "-type", "f"], stdout=subprocess.PIPE).stdout.split())
    (path,) = after - before
    with open(path, "r+b") as f:
        f.seek(2 * MIB)
        byte = f.read(1)
        f.seek(2 * MIB)
        f.write(bytes([byte[0] ^ 1]))
    broken = False
    c = front.connection()
    c.request("GET", "/bucket/damaged")
    r = c.getresponse()
    try:
        got = r.read()
    except http.client.IncompleteRead as e:
        broken, got = True, e.partial
    assert broken and len(got) < len(body) and body.startswith(got), (broken, len(got))
    front.wait(lambda: front.events("store.object.tampered"))
    assert get("damaged", Range="bytes=0-99").body == body[:100]
    with open(path, "r+b") as f:
        f.write(b"\0" * 200)
    a = get("damaged")
    assert (a.status, a.code) == (500, "InternalError"), a.body


@test
def nothing_that_was_acknowledged_is_lost_when_front_is_killed():
    acknowledged, stop = {}, threading.Event()

    def write(worker):
        n = 0
        while not stop.is_set():
            key, body = "crash/%d-%d" % (worker, n), pattern((n * 7919) % 400000, worker * 1000 + n)
            try:
                a = front.ask("PUT", "/bucket/" + key, body)
                if a.status == 200:
                    acknowledged[key] = body
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)
            n += 1

    threads = [threading.Thread(target=write, args=(w,)) for w in range(4)]
    [t.start() for t in threads]
    for _ in range(3):
        time.sleep(0.7)
        starts = front.kill_front()
        front.wait(lambda: len(front.events("role.ready", role="front")) > starts)
    time.sleep(0.3)
    stop.set()
    [t.join() for t in threads]
    assert len(acknowledged) > 20, len(acknowledged)
    for key, body in acknowledged.items():
        a = get(key)
        assert a.status == 200 and a.body == body, (key, a.status)
    listed = {k for page in pages("bucket", True, "crash/", "", 1000) for _, k in page}
    assert set(acknowledged) <= listed


@test
def a_new_certificate_is_served_without_a_restart():
    def fingerprint():
        with socket.create_connection(("127.0.0.1", front.port)) as s:
            context = ssl._create_unverified_context()
            with context.wrap_socket(s) as t:
                return hashlib.sha256(t.getpeercert(True)).hexdigest(), t.version()
    old, version = fingerprint()
    assert version == "TLSv1.3"
    make_certificate(front.store)
    front.process.send_signal(signal.SIGHUP)
    front.wait(lambda: front.events("tls.reloaded"))
    assert fingerprint()[0] != old
    assert front.ask("GET", "/-/healthz", tls=True).status == 200


@test
def everything_is_still_there_after_an_orderly_restart():
    body = pattern(400000, 77)
    put("restart", body)
    put("restart/2", b"")
    assert front.stop() == 0
    assert not front.events("role.ended", how="killed by signal 31 (Bad system call)")
    front.start()
    assert get("restart").body == body
    assert [k for page in pages("bucket", True, "restart", "", 1000) for _, k in page] == ["restart", "restart/2"]


def main():
    global front
    wanted = sys.argv[1:]
    tests = [t for t in TESTS if not wanted or t.__name__ in wanted]
    failed = 0
    print("1..%d" % len(tests))
    front = Front()
    try:
        for number, t in enumerate(tests, 1):
            name = t.__name__.replace("_", " ")
            try:
                skipped = t()
                print("ok %d - %s%s" % (number, name, " # SKIP " + skipped if skipped else ""), flush=True)
            except Exception:
                failed += 1
                print("not ok %d - %s" % (number, name), flush=True)
                for line in traceback.format_exc().splitlines() + [str(l) for l in front.log[-3:]]:
                    print("# " + line[:2000], flush=True)
    finally:
        front.remove()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
