"""cloister as a person or a script meets it: help, usage errors, sealing and opening, and everything going wrong."""
import json, os, re, signal, subprocess, sys, time

from harness import CLOISTER, main

sys.path.insert(0, os.environ["INTEROP"])

MIB = 1 << 20
CHUNK, CHUNK_SEALED = 16384, 16400
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def verbs(s):
    """All verbs, as the help and the help of each noun list them."""
    found = []
    for word, _ in re.findall(r"^  (\S+) {2,}(.+)$", s.run("--help").must(0).out.decode(), re.M):
        text = s.run(word, "--help").must(0).out.decode()
        is_noun = "Usage: cloister %s COMMAND" % word in text
        found += re.findall(r"^  cloister (\S+ \S+) {2,}", text, re.M) if is_noun else [word]
    return found


# --- help and usage ---


@test
def every_verb_explains_itself_with_an_example(s):
    found = verbs(s)
    assert "seal" in found and "key identity" in found, found
    for verb in found:
        for args in ([*verb.split(), "--help"], ["help", *verb.split()], [*verb.split(), "-h"]):
            text = s.run(*args).must(0).out.decode()
            assert "Usage: cloister " + verb in text, text
            assert re.search(r"^Examples?:\n  .*cloister %s" % verb, text, re.M), text
            assert "Exit status" in text


@test
def the_top_and_every_noun_have_an_example(s):
    for args in (["--help"], ["help"], ["key", "--help"], ["help", "key"]):
        assert "Example:\n  cloister " in s.run(*args).must(0).out.decode()
    assert re.fullmatch(rb"cloister \d+\.\d+\.\d+\n", s.run("--version").must(0).out)


@test
def usage_errors_exit_2_and_say_what_to_do(s):
    s.run().must(2, "cloister --help")
    s.run("sael", "x").must(2, "did you mean cloister seal?")
    s.run("key").must(2, "cloister key --help")
    s.run("key", "idenity").must(2, "did you mean cloister key identity?")
    s.run("frobnicate").must(2, "cloister --help lists")
    s.run("help", "sael").must(2, "did you mean cloister seal?")
    s.run("seal", "--recipent", "x", "y").must(2, "did you mean --recipient?")
    s.run("seal").must(2, "usage is cloister seal FILE")
    s.run("seal", "a", "b").must(2, "one word too many")
    s.run("seal", "-o").must(2, "takes a value")
    s.run("open", "data").must(2, "-o FILE")
    s.run("seal", "data", "-r", "age1xyz").must(1, "data")  # the input is looked at first
    s.write("data", b"x")
    s.run("seal", "data", "-r", "age1xyz").must(2, "cloister key identity makes one")
    s.run("seal", "data", "-t", "text,csv").must(2)
    s.run("completion", "fish").must(2, "bash")


@test
def completion_is_a_script_that_knows_every_verb(s):
    text = s.run("completion", "bash").must(0).out.decode()
    check = """
set -u
source /dev/stdin <<'EOF'
%s
EOF
ask() { COMP_WORDS=(cloister "$@"); COMP_CWORD=$#; COMPREPLY=(); _cloister; echo "${COMPREPLY[*]}"; }
ask ""; ask se; ask key i; ask seal --rec; ask key identity --s
""" % text
    done = subprocess.run(["bash", "-c", check], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=s.top, check=False)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0 and not done.stderr, done.stderr
    for verb in verbs(s):
        assert verb.split()[0] in lines[0].split(), (verb, lines)
    assert "seal" in lines[1].split() and lines[2] == "identity" and lines[3] == "--recipient" and lines[4] == "--show"


@test
def a_full_standard_output_is_an_error(s):
    for args in (["--help"], ["completion", "bash"]):
        with open("/dev/full", "wb") as full:
            s.run(*args, stdout=full).must(5, "standard output")


# --- sealing and opening ---


@test
def what_is_sealed_to_a_recipient_opens_again(s):
    recipient = s.identity()
    for size in (0, 1, CHUNK, CHUNK + 1, 3 * MIB + 5):
        data = os.urandom(size)
        s.write("data", data)
        s.run("seal", "data", "-r", recipient, "--force").must(0)
        s.run("open", "data.sealed", "-i", "me.identity", "-o", "again", "-f").must(0)
        assert s.read("again") == data


@test
def what_goes_through_pipes_opens_again(s):
    recipient, data = s.identity(), os.urandom(MIB + 7)
    sealed = s.run("seal", "-", "-r", recipient, stdin=data).must(0).out
    assert s.run("open", "-", "-i", "me.identity", stdin=sealed).must(0).out == data
    s.write("f.sealed", sealed)
    assert s.run("open", "f.sealed", "-o", "-", "-i", "me.identity").must(0).out == data


@test
def a_passphrase_from_a_file_seals_and_opens(s):
    s.write("data", b"personal")
    s.write("secret", b"correct horse\n")
    s.run("seal", "data", "-p", "secret").must(0)
    assert s.run("open", "data.sealed", "-p", "secret", "-o", "-").must(0).out == b"personal"
    s.write("wrong", b"battery staple\n")
    s.run("open", "data.sealed", "-p", "wrong", "-o", "x").must(3, "data.sealed", "wrong passphrase")
    s.write("shared", b"correct horse\n", 0o644)
    s.run("open", "data.sealed", "-p", "shared", "-o", "x").must(3, "chmod")
    s.write("empty", b"\n")
    s.run("seal", "data", "-o", "y", "-p", "empty").must(2, "empty")
    assert not os.path.exists(s.path("x")) and not os.path.exists(s.path("y"))


@test
def any_of_several_keys_opens(s):
    one, two = s.identity("one"), s.identity("two")
    s.identity("three")
    s.write("secret", b"pass\n")
    s.write("data", b"for many")
    s.run("seal", "data", "-r", one, "-r", two, "-p", "secret").must(0)
    for key in (["-i", "one"], ["-i", "two"], ["-i", "three", "-i", "two"], ["-p", "secret"]):
        assert s.run("open", "data.sealed", "-o", "-", *key).must(0).out == b"for many"
    s.run("open", "data.sealed", "-o", "-", "-i", "three").must(3, "other recipients", "--passphrase-file")


@test
def without_a_key_it_says_which_would_do(s):
    recipient = s.identity()
    s.write("data", b"x")
    s.run("seal", "data", "-r", recipient).must(0)
    s.run("open", "data.sealed", "-o", "x").must(3, "--identity FILE")
    s.write("secret", b"pass\n")
    s.run("seal", "data", "-p", "secret", "-f").must(0)
    s.run("open", "data.sealed", "-o", "x", "-i", "me.identity").must(3, "--passphrase-file FILE")
    s.run("open", "data.sealed", "-o", "x").must(5, "no terminal", "--passphrase-file")
    s.run("seal", "data", "-f").must(5, "no terminal", "--passphrase-file")


@test
def a_recipient_that_was_mistyped_is_refused(s):
    recipient = s.identity()
    s.write("data", b"x")
    wrong = recipient[:-4] + ("AAA=" if recipient[-4:] != "AAA=" else "AAE=")
    s.run("seal", "data", "-r", wrong).must(2, "copy it again")
    s.run("seal", "data", "-r", s.read("me.identity").decode().split()[-1]).must(2, "secret")
    assert not os.path.exists(s.path("data.sealed"))


@test
def identities_are_private_and_never_replaced(s):
    recipient = s.identity()
    assert os.stat(s.path("me.identity")).st_mode & 0o777 == 0o600
    before = s.read("me.identity")
    s.run("key", "identity", "me.identity").must(1, "never replaced")
    assert s.read("me.identity") == before
    shown = json.loads(s.run("key", "identity", "--show", "me.identity", "--json").must(0).out)
    assert shown == {"identity": "me.identity", "recipient": recipient}
    os.chmod(s.path("me.identity"), 0o644)
    s.run("key", "identity", "--show", "me.identity").must(3, "chmod")


@test
def json_has_stable_fields(s):
    recipient = s.identity()
    s.write("data", b"x" * 1000)
    sealed = json.loads(s.run("seal", "data", "-r", recipient, "--json").must(0).out)
    size = os.path.getsize(s.path("data.sealed"))
    assert sealed == {"input": "data", "output": "data.sealed", "plain_bytes": 1000, "sealed_bytes": size}
    opened = json.loads(s.run("open", "data.sealed", "-i", "me.identity", "-f", "--json").must(0).out)
    assert opened == {"input": "data.sealed", "output": "data", "plain_bytes": 1000}
    s.run("seal", "-", "-r", recipient, "--json", stdin=b"x").must(2, "-o FILE")


# --- at a terminal ---


@test
def a_person_is_asked_twice_and_sees_nothing_of_it(s):
    s.write("data", b"typed")
    code, shown = s.on_terminal("seal", "data", answers=[b"open sesame\n", b"open sesame\n"])
    assert code == 0 and shown.count("passphrase:") == 1 and "once more" in shown, shown
    assert "sesame" not in shown
    code, shown = s.on_terminal("open", "data.sealed", "-o", "again", answers=[b"open sesame\n"])
    assert code == 0 and s.read("again") == b"typed", shown
    code, shown = s.on_terminal("open", "data.sealed", "-o", "slowly", answers=[b"open sesame\n"], think_s=1.5)
    assert code == 0 and "%" not in shown, shown  # no bar over the question
    code, shown = s.on_terminal("open", "data.sealed", "-o", "more", answers=[b"wrong\n"])
    assert code == 3 and "wrong passphrase" in shown and not os.path.exists(s.path("more"))
    code, shown = s.on_terminal("seal", "data", "-o", "other", answers=[b"one\n", b"two\n"])
    assert code == 2 and "differ" in shown and not os.path.exists(s.path("other")), shown
    code, shown = s.on_terminal("seal", "data", "-o", "other", answers=[b"\n"])
    assert code == 2 and "empty" in shown


@test
def an_interrupted_question_ends_it_with_the_terminal_as_it_was(s):
    s.write("data", b"x")
    code, _ = s.on_terminal("seal", "data", answers=[b"half\x03"])
    assert code == -signal.SIGINT, code
    assert os.listdir(s.top) == ["data"]


@test
def a_long_transfer_shows_how_far_it_is_and_a_short_one_does_not(s):
    recipient = s.identity()
    p = s.start("seal", "-", "-o", "out", "-r", recipient)
    for _ in range(8):
        p.stdin.write(bytes(MIB))
        p.stdin.flush()
        time.sleep(0.25)
    err = p.communicate()[1].decode()
    assert p.returncode == 0 and re.search(r"^sealing: \d\.\d MiB  .*/s$", err, re.M), err
    assert "sealing" not in s.run("seal", "-", "-o", "o", "-r", recipient, stdin=b"x").must(0).err


@test
def a_sealed_file_does_not_go_to_a_terminal(s):
    recipient = s.identity()
    s.write("data", b"x")
    code, shown = s.on_terminal("seal", "data", "-o", "-", "-r", recipient)
    assert code == 2 and "no text for a terminal" in shown, shown


# --- what goes wrong ---


def sealed_file(s, size):
    recipient = s.identity()
    data = os.urandom(size)
    s.write("data", data)
    s.run("seal", "data", "-r", recipient).must(0)
    sealed = s.read("data.sealed")
    chunks = size // CHUNK + 1
    message = len(sealed) - (size + 16 * chunks)
    return sealed, message, chunks


@test
def an_altered_file_is_refused_by_its_chunk(s):
    sealed, message, chunks = sealed_file(s, MIB)
    for chunk in (0, 1, 37, chunks - 1):
        altered = bytearray(sealed)
        altered[message + chunk * CHUNK_SEALED + 3] ^= 1
        s.write("altered", bytes(altered))
        s.run("open", "altered", "-o", "out", "-i", "me.identity").must(4, "altered", "chunk %d" % chunk)
        assert not os.path.exists(s.path("out"))
        s.run("open", "-", "-i", "me.identity", stdin=bytes(altered)).must(4, "standard input", "chunk %d" % chunk)


@test
def a_truncated_file_is_refused_by_its_chunk(s):
    sealed, message, chunks = sealed_file(s, MIB)
    for cut in (1, 17, CHUNK_SEALED, 10 * CHUNK_SEALED + 5):
        last = (len(sealed) - cut - message) // CHUNK_SEALED
        s.write("cut", sealed[:-cut])
        s.run("open", "cut", "-o", "out", "-i", "me.identity").must(4, "cut", "chunk")
        got = s.run("open", "-", "-i", "me.identity", stdin=sealed[:-cut]).must(4, "chunk")
        assert abs(int(re.search(r"chunk (\d+)", got.err).group(1)) - last) <= 1, (got.err, last)
    for length in (0, 5, 30, message - 20):
        s.write("cut", sealed[:length])
        assert s.run("open", "cut", "-o", "out", "-i", "me.identity").code in (2, 4)
    assert not os.path.exists(s.path("out"))


@test
def what_is_no_sealed_file_is_said_to_be_none(s):
    s.identity()
    s.write("text", b"hello, this is text\n")
    s.run("open", "text", "-o", "out", "-i", "me.identity").must(2, "text", "not a sealed file")
    s.run("open", "missing.sealed", "-i", "me.identity").must(1, "missing.sealed")
    s.run("seal", ".", "-o", "x", "-r", s.identity("b")).must(1, "directory", "tar")


@test
def an_existing_output_is_kept_without_force(s):
    recipient = s.identity()
    s.write("data", b"new")
    s.write("data.sealed", b"precious")
    s.run("seal", "data", "-r", recipient).must(1, "data.sealed exists already", "--force")
    assert s.read("data.sealed") == b"precious"
    s.run("seal", "data", "-r", recipient, "--force").must(0)
    s.run("open", "data.sealed", "-i", "me.identity").must(1, "data exists already", "--force")
    s.write("bad", s.read("data.sealed")[:-1])
    s.run("open", "bad", "-o", "data", "-f", "-i", "me.identity").must(4)
    assert s.read("data") == b"new"
    assert sorted(os.listdir(s.top)) == ["bad", "data", "data.sealed", "me.identity"]


@test
def a_file_can_be_sealed_over_itself(s):
    recipient = s.identity()
    s.write("data", b"in place")
    s.run("seal", "data", "-o", "data", "-f", "-r", recipient).must(0)
    assert s.run("open", "data", "-o", "-", "-i", "me.identity").must(0).out == b"in place"


@test
def killed_half_way_leaves_nothing(s):
    recipient = s.identity()
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        p = s.start("seal", "-", "-o", "out", "-r", recipient)
        p.stdin.write(os.urandom(8 * MIB))
        p.stdin.flush()
        time.sleep(0.2)
        assert p.poll() is None
        p.send_signal(number)
        p.communicate()
        assert p.returncode == -number, p.returncode
        assert os.listdir(s.top) == ["me.identity"], os.listdir(s.top)


@test
def a_full_disk_is_said_and_leaves_nothing(s):
    recipient = s.identity()
    s.write("data", os.urandom(3 * MIB))
    os.mkdir(s.path("small"))
    script = """
mount -t tmpfs -o size=1m,mode=700 none small || exit 77
%s seal data -o small/out -r %s
echo "code $?" >&2
ls -A small >&2
umount small
""" % (CLOISTER, recipient)
    done = subprocess.run(["unshare", "-rm" if os.geteuid() else "-m", "sh", "-c", script], cwd=s.top, env=s.env,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode == 77 or b"unshare" in done.stderr:
        return "the machine may allow no mounts"
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 2 and lines[1] == "code 5" and "No space left" in lines[0], lines


@test
def a_device_is_written_as_it_is(s):
    recipient = s.identity()
    s.write("data", b"x")
    s.run("seal", "data", "-o", "/dev/null", "-r", recipient).must(0)
    s.run("seal", "data", "-o", "/dev/full", "-r", recipient).must(5, "No space left")


@test
def memory_stays_below_32_mib(s):
    if os.environ.get("SANITIZER", "none") != "none":
        return "a sanitizer has memory of its own"
    recipient = s.identity()
    with open(s.path("large"), "wb") as f:
        f.truncate(300 * MIB)
    for args in (["seal", "large", "-o", "sealed", "-r", recipient], ["open", "sealed", "-o", "/dev/null", "-i", "me.identity"]):
        p = subprocess.Popen([CLOISTER, *args], cwd=s.top, env=s.env, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(p.pid, 0)
        assert status == 0
        assert usage.ru_maxrss < 32 * 1024, "%d KiB" % usage.ru_maxrss


# --- together with an implementation from the specification ---


@test
def another_implementation_opens_ours_and_we_open_its(s):
    import seal_reference as theirs
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    import base64

    recipient = s.identity()
    private = X25519PrivateKey.from_private_bytes(
        base64.b64decode(s.read("me.identity").decode().split("cloister-identity+")[1]))
    public = theirs.raw(private.public_key())
    assert base64.b64decode(recipient.split("+", 2)[2]) == public
    s.write("secret", b"a passphrase\n")
    for size in (0, CHUNK, MIB + 3):
        data = os.urandom(size)
        s.write("data", data)
        s.run("seal", "data", "-f", "-r", recipient, "-p", "secret").must(0)
        assert theirs.unseal(s.read("data.sealed"), private=private) == data
        assert theirs.unseal(s.read("data.sealed"), passphrase=b"a passphrase") == data
        s.write("theirs.sealed", theirs.seal(data, os.urandom(32), b"a passphrase", public))
        assert s.run("open", "theirs.sealed", "-o", "-", "-i", "me.identity").must(0).out == data
        assert s.run("open", "theirs.sealed", "-o", "-", "-p", "secret").must(0).out == data


if __name__ == "__main__":
    sys.exit(main(TESTS))
