"""cloister against a stand-in server: what it signs and sends, and how it tells what comes back."""
import base64, json, os, sys

from harness import main

try:
    from standin import ACCESS_KEY, Refusal, SECRET_KEY, Server
except ImportError as missing:
    print("1..0 # SKIP %s" % missing)
    sys.exit(0)

BROKER = "cloister-broker+" + base64.b64encode(bytes(range(64))).decode()
TESTS = []


def test(function):
    def run(s):
        os.mkdir(s.path("server"))
        server = Server(s.path("server"))
        try:
            s.env.update(AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY)
            login(s, server).must(0)
            function(s, server)
            assert not server.broken, server.broken
        finally:
            server.shutdown()
            server.server_close()

    run.__name__ = function.__name__
    TESTS.append(run)
    return run


def login(s, server, *more):
    return s.run("login", "--endpoint", server.url, "--ca", "server/ca.pem", "--broker-key", BROKER, *more)


def shown(s, *args):
    return json.loads(s.run(*args, "--json").must(0).out)


@test
def login_stores_a_private_profile(s, server):
    path = s.path(".config/cloister/default.json")
    stored = json.loads(s.read(path))
    assert stored["endpoint"] == server.url and stored["broker_key"] == BROKER and stored["v"] == 1
    assert os.stat(path).st_mode & 0o777 == 0o600 and os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700
    login(s, server, "--profile", "lab").must(0)
    assert os.path.exists(s.path(".config/cloister/lab.json"))


@test
def login_refuses_what_can_not_work(s, server):
    s.run("login", "--endpoint", server.url).must(2, "cloister init printed them")
    s.run("login", "--endpoint", "http://h", "--ca", "server/ca.pem", "--broker-key", BROKER).must(2, "https://")
    s.run("login", "--endpoint", server.url, "--ca", "server/ca.pem", "--broker-key", "x").must(2, "cloister-broker+")
    s.run("login", "--endpoint", server.url, "--ca", "missing", "--broker-key", BROKER).must(1, "missing")
    login(s, server, "--profile", "../up").must(2, "letters")
    s.write("other.pem", s.read("server/tls.pem"))
    s.run("login", "--endpoint", server.url, "--ca", "other.pem", "--broker-key", BROKER, "--profile", "o").must(3)
    args = ["login", "--endpoint", "https://127.0.0.1:1", "--ca", "server/ca.pem", "--broker-key", BROKER, "--profile", "n"]
    s.run(*args).must(5, "nothing was stored")
    assert not os.path.exists(s.path(".config/cloister/n.json"))
    s.run(*args, "--offline").must(0)


@test
def a_profile_that_is_missing_or_altered_is_said(s, server):
    s.run("key", "ls", "--profile", "nope").must(1, "cloister login")
    s.write(".config/cloister/default.json", b'{"v":1}')
    s.run("key", "ls").must(2, "default", "cloister login")
    s.write(".config/cloister/default.json", b"{}", 0o622)
    s.run("key", "ls").must(3, "chmod")


@test
def credentials_come_from_where_aws_tools_keep_them(s, server):
    del s.env["AWS_SECRET_ACCESS_KEY"]
    s.run("key", "ls").must(3, "AWS_SECRET_ACCESS_KEY")
    del s.env["AWS_ACCESS_KEY_ID"]
    s.run("key", "ls").must(3, "no credentials", ".aws/credentials")
    os.mkdir(s.path(".aws"))
    s.write(".aws/credentials", ("[other]\naws_access_key_id=no\naws_secret_access_key=no\n[default]\n"
                                 "aws_access_key_id = %s\naws_secret_access_key = %s\n" % (ACCESS_KEY, SECRET_KEY)).encode())
    s.run("key", "ls").must(0)
    s.env["AWS_PROFILE"] = "other"
    s.run("key", "ls").must(3, "access key is not known", "AWS_ACCESS_KEY_ID")
    s.env["AWS_PROFILE"] = "none"
    s.run("key", "ls").must(3, "[none]")


@test
def a_wrong_secret_is_denied(s, server):
    s.env["AWS_SECRET_ACCESS_KEY"] = "wrong"
    s.run("key", "ls").must(3, "check the secret access key")


@test
def a_session_token_is_sent_and_signed(s, server):
    server.token = s.env["AWS_SESSION_TOKEN"] = "token/of+session=="
    s.run("session", "whoami").must(0)
    assert server.requests[-1][3]["x-amz-security-token"] == server.token


@test
def keys_are_made_listed_shown_and_switched(s, server):
    first = shown(s, "key", "create", "--description", "patients")
    assert first["state"] == "Enabled" and first["created"] == "2026-11-22T19:33:20Z" and first["description"] == "patients"
    assert set(first) == {"key_id", "state", "created", "description", "arn"}
    for _ in range(4):
        s.run("key", "create").must(0)
    listed = shown(s, "key", "ls")["keys"]
    assert len(listed) == 5 and first in listed
    s.run("key", "disable", first["key_id"]).must(0)
    assert shown(s, "key", "show", first["key_id"])["state"] == "Disabled"
    s.run("key", "enable", first["key_id"]).must(0)
    assert "Enabled" in s.run("key", "show", first["key_id"]).must(0).out.decode()
    s.write("policy.json", b'{"Version":"2012-10-17"}')
    s.run("key", "policy", first["key_id"], "--set", "policy.json").must(0)
    assert s.run("key", "policy", first["key_id"]).must(0).out == b'{"Version":"2012-10-17"}\n'
    s.run("key", "show", "nope").must(1, "there is no key nope", "NotFoundException")


@test
def users_and_roles_come_and_go(s, server):
    s.write("trust.json", b'{"Statement":[]}')
    for noun, more in (("user", []), ("role", ["--trust", "trust.json"])):
        for name in ("alice", "bob", "carol"):
            made = shown(s, noun, "create", name, *more)
            assert made["name"] == name and made["arn"].endswith(":%s/%s" % (noun, name))
        assert [u["name"] for u in shown(s, noun, "ls")[noun + "s"]] == ["alice", "bob", "carol"]
        s.run(noun, "create", "alice", *more).must(1, "already", "EntityAlreadyExists", "req-1")
        s.run(noun, "rm", "bob").must(0)
        s.run(noun, "rm", "bob").must(1, "there is no " + noun)
    assert server.memory.roles["alice"] == '{"Statement":[]}'
    s.run("role", "create", "x").must(2, "--trust FILE")


@test
def policies_are_put_read_listed_and_removed(s, server):
    document = b'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
    s.write("p.json", document)
    s.run("user", "create", "alice").must(0)
    for name in ("one", "two", "three"):
        s.run("policy", "put", name, "p.json", "--user", "alice").must(0)
    assert s.run("policy", "get", "one", "-u", "alice").must(0).out == document + b"\n"
    assert [p["name"] for p in shown(s, "policy", "ls", "-u", "alice")["policies"]] == ["one", "three", "two"]
    s.run("policy", "rm", "one", "-u", "alice").must(0)
    s.run("policy", "ls").must(2, "--user USER or --role ROLE")
    s.run("policy", "ls", "-u", "a", "-r", "b").must(2, "--user USER or --role ROLE")


@test
def whoami_tells_account_and_arn(s, server):
    assert shown(s, "session", "whoami") == {"account": "111122223333", "arn": "arn:aws:iam::111122223333:root",
                                             "user_id": "1111"}


@test
def refusals_become_one_sentence_and_the_right_status(s, server):
    for refusal, code, words in (
            (Refusal(400, "AccessDeniedException", "alice may not kms:ListKeys"), 3, ["alice may not"]),
            (Refusal(400, "ThrottlingException", "slow"), 5, ["try again"]),
            (Refusal(500, "KMSInternalException", "The service failed"), 5, ["The service failed"]),
            (Refusal(400, "ValidationException", "Limit is wrong"), 2, ["Limit is wrong"]),
            (Refusal(403, "RequestTimeTooSkewed", "the clock is off"), 3, ["clock"]),
            (Refusal(400, "NotFoundException", "gone\x1b[2J"), 1, ["gone?[2J"])):
        server.refusals.append(refusal)
        s.run("key", "ls").must(code, *words)


@test
def a_server_that_is_gone_is_unavailable(s, server):
    s.run("login", "--endpoint", "https://127.0.0.1:1", "--ca", "server/ca.pem", "--broker-key", BROKER, "--offline").must(0)
    s.run("key", "ls").must(5, "127.0.0.1:1")


@test
def a_table_fits_the_terminal(s, server):
    s.run("key", "create", "--description", "a description that goes on and on, far beyond eighty columns of text").must(0)
    s.env["COLUMNS"] = "100"
    code, text = s.on_terminal("key", "ls")
    assert code == 0 and all(len(line) <= 100 for line in text.splitlines()), text
    assert "…" in text and "…" not in s.run("key", "ls").must(0).out.decode()


@test
def buckets_come_and_go(s, server):
    for name in ("one", "two"):
        s.run("bucket", "create", name).must(0)
    assert [b["name"] for b in shown(s, "bucket", "ls")["buckets"]] == ["one", "two"]
    s.run("bucket", "create", "one").must(1, "already", "BucketAlreadyOwnedByYou", "req-1")
    s.run("bucket", "rm", "one").must(0)
    s.run("bucket", "rm", "one").must(1, "NoSuchBucket")
    s.run("bucket", "rm", "two/x").must(2, "slash")


@test
def objects_are_put_listed_fetched_and_removed(s, server):
    s.run("bucket", "create", "b").must(0)
    keys = ["plain.csv", "a folder/with spaces", "odd/\u00e9+&=?%.x", "control/\x01", "z//double"]
    for size, key in enumerate(keys):
        s.write("data", b"x" * size * 100000)
        s.run("data", "put", "data", "b/" + key, "--type", "text/csv").must(0)
        s.run("data", "get", "b/" + key, "-o", "back", "-f").must(0)
        assert s.read("back") == s.read("data")
    assert server.s3.buckets["b"][keys[2]][1] == "text/csv"
    listed = shown(s, "data", "ls", "b")["objects"]
    assert [o["key"] for o in listed] == sorted(keys) and all(set(o) == {"key", "size", "modified", "etag"} for o in listed)
    assert {o["key"]: o["size"] for o in listed}[keys[3]] == 300000
    assert [o["key"] for o in shown(s, "data", "ls", "b/a folder")["objects"]] == [keys[1]]
    assert b"control/?" in s.run("data", "ls", "b").must(0).out
    s.run("data", "rm", "b/plain.csv").must(0)
    s.run("data", "get", "b/plain.csv").must(1, "NoSuchKey")
    assert not os.path.exists(s.path("plain.csv"))


@test
def putting_and_getting_go_wrong_in_one_sentence(s, server):
    s.run("bucket", "create", "b").must(0)
    s.write("data", b"x")
    s.run("data", "put", "data", "b").must(2, "BUCKET/KEY")
    s.run("data", "put", "data", "/k").must(2, "no bucket")
    s.run("data", "put", "missing", "b/k").must(1, "missing")
    s.run("data", "put", "-", "b/k", stdin=b"x").must(2, "pipe")
    s.run("data", "put", "data", "c/k").must(1, "NoSuchBucket")
    s.run("data", "put", "data", "b/data").must(0)
    s.run("data", "get", "b/data").must(1, "data exists already", "--force")
    s.run("data", "get", "b/data", "-o", "v", "--version", "2").must(1, "NoSuchVersion")
    assert s.run("data", "get", "b/data", "-o", "-", "--version", "1").must(0).out == b"x"
    server.refusals.append(Refusal(403, "AccessDenied", "alice may not s3:GetObject"))
    s.run("data", "get", "b/data", "-o", "w").must(3, "alice may not")
    assert not os.path.exists(s.path("v")) and not os.path.exists(s.path("w"))


# --- without a server ---


@test
def a_receipt_verifies_offline_and_an_altered_one_does_not(s, server):
    import subprocess

    os.mkdir(s.path("log"))
    subprocess.run([os.environ["MAKE_LOG"], s.path("log"), "40"], check=True, stdout=subprocess.DEVNULL)
    del s.env["HOME"]
    key = s.read("log/vkey").decode().strip()
    answer = shown(s, "audit", "verify", "log/receipt", "-k", "log/vkey")
    assert answer["verified"] is True and answer["tree_size"] == 40 and "eventName" in answer["record"]
    assert answer["record"] == json.loads(s.run("audit", "verify", "log/receipt", "--log-key", key).must(0).out)
    s.run("audit", "verify", "log/receipt").must(2, "--log-key")
    receipt = s.read("log/receipt")
    for old, new in ((b"Encrypt", b"Decrypt"), (b'"salt":"', b'"salt":"AAAA')):
        assert old in receipt
        position = receipt.index(old)
        altered = receipt[:position] + new + receipt[position + len(new):]
        s.write("altered", altered)
        s.run("audit", "verify", "altered", "-k", key).must(4, "altered")
    other = key[:-2] + ("A=" if key[-2:] != "A=" else "E=")
    assert s.run("audit", "verify", "log/receipt", "-k", other).code in (1, 2, 4)


if __name__ == "__main__":
    sys.exit(main(TESTS))
