#!/usr/bin/python3
"""Writes the *.jsonl files beside it. Every expectation is stated here by hand, from docs/protocol/policy.md; nothing is
computed by an evaluator. usage: make.py (in this directory)"""

import json

A, B, C = "111111111111", "222222222222", "333333333333"
KEY = f"arn:aws:kms:us-east-1:{A}:key/k1"
USER = {"as": "user", "account": A, "arn": f"arn:aws:iam::{A}:user/ann"}
BOB = {"as": "user", "account": B, "arn": f"arn:aws:iam::{B}:user/bob"}
SESSION = {"as": "session", "account": A, "arn": f"arn:aws:sts::{A}:assumed-role/job/s1",
           "role": f"arn:aws:iam::{A}:role/job"}
SESSION_B = {"as": "session", "account": B, "arn": f"arn:aws:sts::{B}:assumed-role/job/s1",
             "role": f"arn:aws:iam::{B}:role/job"}
ROOT = {"as": "root", "account": A, "arn": f"arn:aws:iam::{A}:root"}
ROOT_B = {"as": "root", "account": B, "arn": f"arn:aws:iam::{B}:root"}
SERVICE = {"as": "service", "arn": "sagemaker.amazonaws.com"}
NOBODY = {"as": "anonymous"}

ALLOWED, DENIED = "allowed", "explicit-deny"
NO_ID, NO_RES, BOUNDARY, SESS, NO_TEE, INVALID = ("no-identity-allow", "no-resource-allow", "boundary",
                                                  "session-policy", "no-tee", "invalid")


def st(effect="Allow", action="kms:Decrypt", resource="*", condition=None, principal=None, **more):
    s = {"Effect": effect, "Action": action, "Resource": resource}
    if principal is not None:
        s["Principal"] = principal
    if condition is not None:
        s["Condition"] = condition
    s.update(more)
    return {k: v for k, v in s.items() if v != "-"}


def doc(*statements, version="2012-10-17"):
    return {"Version": version, "Statement": statements[0] if len(statements) == 1 else list(statements)}


EVERYTHING = doc(st(action="*"))


def case(name, expect, who=USER, **fields):
    """What tests/lib/policy_case.h takes for granted is left out."""
    c = {"name": name, **(who if who is not USER else {}), **fields}
    if not c.get("release", True):
        del c["release"]
    return {**c, "expect": expect}


def write(file, cases):
    names = [c["name"] for c in cases]
    assert len(set(names)) == len(names), [n for n in names if names.count(n) > 1]
    with open(file, "w", encoding="utf-8") as out:
        for c in cases:
            out.write(json.dumps(c, separators=(",", ":"), ensure_ascii=False) + "\n")
    print(file, len(cases))


# --- operators: what each gives for a value that is as the policy says, for another, and for none ---------------------

# operator: (negated, the policy's value, a value that is so, values that are not)
OPERATORS = {
    "StringEquals": (False, "Red", "Red", ["red", "Re", "Redd", "*", ""]),
    "StringNotEquals": (True, "Red", "Red", ["red", "*"]),
    "StringEqualsIgnoreCase": (False, "Red", "rED", ["Redd", ""]),
    "StringNotEqualsIgnoreCase": (True, "Red", "rED", ["blue"]),
    "StringLike": (False, "R*d?", "Rounds", ["R", "Rounded", "xRodx"]),
    "StringNotLike": (True, "R*d?", "Rdx", ["R"]),
    "NumericEquals": (False, "10", "10.0", ["10.1", "1", "9"]),
    "NumericNotEquals": (True, "10", "010", ["11"]),
    "NumericLessThan": (False, "10", "9.99", ["10", "10.0", "100"]),
    "NumericLessThanEquals": (False, "10", "10.0", ["10.01", "11"]),
    "NumericGreaterThan": (False, "-1", "-0.5", ["-1", "-1.5"]),
    "NumericGreaterThanEquals": (False, "9007199254740993", "9007199254740993", ["9007199254740992"]),
    "DateEquals": (False, "2026-01-01T00:00:00Z", "1767225600", ["2026-01-01T00:00:01Z"]),
    "DateNotEquals": (True, "2026-01-01", "2026-01-01T00:00:00Z", ["2026-01-02"]),
    "DateLessThan": (False, "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", ["2026-01-01T00:00:00Z", "2027-01-01"]),
    "DateLessThanEquals": (False, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", ["2026-01-01T00:00:01Z"]),
    "DateGreaterThan": (False, "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", ["2026-01-01T00:00:00Z"]),
    "DateGreaterThanEquals": (False, "2026-01-01T00:00:00Z", "2026-01-01", ["2025-12-31"]),
    "Bool": (False, "true", "true", ["false"]),
    "BinaryEquals": (False, "AAEC", "AAEC", ["AAED", "AAECAA=="]),
    "IpAddress": (False, "192.0.2.0/25", "192.0.2.127", ["192.0.2.128", "2001:db8::1"]),
    "NotIpAddress": (True, "2001:db8::/32", "2001:db8:ffff::1", ["2001:db9::1", "192.0.2.1"]),
    "ArnEquals": (False, "arn:aws:iam::*:role/j?b", f"arn:aws:iam::{A}:role/job", [f"arn:aws:iam::{A}:role/joob"]),
    "ArnLike": (False, "arn:aws:s3:::b*", "arn:aws:s3:::bucket/a:b", ["arn:aws:s3::x:bucket"]),
    "ArnNotEquals": (True, f"arn:aws:iam::{A}:role/job", f"arn:aws:iam::{A}:role/job", [f"arn:aws:iam::{B}:role/job"]),
    "ArnNotLike": (True, "arn:aws:iam::1*1:role/job", f"arn:aws:iam::{A}:role/job", [f"arn:aws:iam::{B}:role/job"]),
}

# Whether a condition holds when its key is absent, as AWS documents it: (positive, negated).
ABSENT = {
    "{}": (False, True),
    "{}IfExists": (True, True),
    "ForAnyValue:{}": (False, False),
    "ForAllValues:{}": (True, True),
    "ForAnyValue:{}IfExists": (True, True),
    "ForAllValues:{}IfExists": (True, True),
}


def operator_cases():
    plain, claim = "aws:PrincipalTag/x", "cloister:JobOwner"
    for operator, (negated, want, same, others) in OPERATORS.items():
        for form, absent in ABSENT.items():
            if form != "{}" and operator not in ("StringEquals", "StringNotLike", "NumericLessThan", "NotIpAddress",
                                                 "Bool", "ArnLike"):
                continue
            full = form.format(operator)
            states = [("same", same, not negated)] + [(f"other {o}", o, negated) for o in others]
            for effect, key, release in (("Allow", plain, False), ("Allow", claim, False), ("Deny", plain, False),
                                         ("Deny", claim, False), ("Deny", claim, True), ("Deny", plain, True)):
                for state, value, holds in states + [("absent", None, absent[negated])]:
                    if value is None and key == claim and (effect == "Allow" or release):
                        # Absent claims never allow; in a release they match what denies.
                        holds = effect == "Deny"
                    elif value == "" and form.startswith("ForAllValues") and effect == "Deny":
                        holds = True  # an empty value is no value where all are asked and it denies
                    context = {} if value is None else {key: [value]}
                    if release:
                        context["cloister:Tee"] = ["snp"]
                    statements = [st(effect, condition={full: {key: want}})]
                    if effect == "Deny":
                        statements.append(st(Sid="Rest"))
                        expect = DENIED if holds else ALLOWED
                    else:
                        expect = ALLOWED if holds else NO_ID
                    yield case(f"{effect} {full} {key}, {state}{', release' if release else ''}", expect,
                               context=context, release=release, identity=[doc(*statements)])


# --- sets, Null, several values -----------------------------------------------------------------------------------------


def allow_if(condition, context, holds, name, **fields):
    return case(name, ALLOWED if holds else NO_ID, identity=[doc(st(condition=condition))], context=context, **fields)


def deny_if(condition, context, holds, name, **fields):
    return case(name, DENIED if holds else ALLOWED, identity=[doc(st("Deny", condition=condition), st())],
                context=context, **fields)


def condition_cases():
    tags, owners = "aws:TagKeys", "cloister:InputOwners"
    two = {tags: ["a", "b"]}
    yield allow_if({"ForAllValues:StringEquals": {tags: ["a", "b", "c"]}}, two, True, "all of two are listed")
    yield allow_if({"ForAllValues:StringEquals": {tags: ["a", "c"]}}, two, False, "one of two is not listed")
    yield allow_if({"ForAnyValue:StringEquals": {tags: ["a", "c"]}}, two, True, "any of two is listed")
    yield allow_if({"ForAnyValue:StringEquals": {tags: ["c"]}}, two, False, "none of two is listed")
    yield allow_if({"ForAllValues:StringNotEquals": {tags: ["c"]}}, two, True, "all of two are unlisted")
    yield allow_if({"ForAllValues:StringNotEquals": {tags: ["a"]}}, two, False, "one of two is listed, negated")
    yield allow_if({"ForAnyValue:StringNotEquals": {tags: ["a"]}}, two, True, "any of two is unlisted")
    yield allow_if({"ForAnyValue:StringNotEquals": {tags: ["a", "b"]}}, two, False, "both of two are listed, negated")
    yield allow_if({"StringEquals": {tags: ["a"]}}, two, False, "several values without a set operator: all for Allow")
    yield allow_if({"StringEquals": {tags: ["a", "b"]}}, two, True, "several values without a set operator: all are")
    yield deny_if({"StringEquals": {tags: ["a"]}}, two, True, "several values without a set operator: any for Deny")
    yield deny_if({"StringNotEquals": {tags: ["a"]}}, two, True, "several values, negated: any for Deny")
    yield allow_if({"StringNotEquals": {tags: ["a"]}}, two, False, "several values, negated: all for Allow")
    yield allow_if({"ForAllValues:StringEquals": {tags: ["a"]}}, {tags: []}, True, "no values at all: vacuous")
    yield allow_if({"ForAllValues:StringEquals": {owners: [A]}}, {owners: []}, False, "no values of a claim: absent")
    yield allow_if({"ForAllValues:StringEquals": {owners: [A]}}, {owners: [A, A]}, True, "all owners are listed")
    yield allow_if({"ForAllValues:StringEquals": {owners: [A]}}, {owners: [A, B]}, False, "one owner is not listed")
    yield allow_if({"ForAllValues:StringEquals": {tags: ["a"]}}, {tags: [""]}, False, "an empty value is one in an Allow")
    yield deny_if({"ForAllValues:StringEquals": {tags: ["a"]}}, {tags: ["", "a"]}, True, "and none in a Deny")
    yield allow_if({"Null": {tags: "true"}}, {}, True, "Null true, absent")
    yield allow_if({"Null": {tags: True}}, two, False, "Null true, there")
    yield allow_if({"Null": {tags: "false"}}, two, True, "Null false, there")
    yield allow_if({"Null": {tags: False}}, {}, False, "Null false, absent")
    yield allow_if({"Null": {"cloister:CodeDigest": "true"}}, {}, True, "Null alone may allow for want of a claim")
    yield allow_if({"Null": {"cloister:CodeDigest": "false"}}, {"cloister:CodeDigest": ["x"]}, True, "a claim is there")
    for release in (False, True):
        tee = {"cloister:Tee": ["snp"]}
        word = "release" if release else "plain"
        yield deny_if({"Null": {"cloister:CodeDigest": "true"}}, tee, True, f"Deny Null true, {word}", release=release)
        yield deny_if({"Null": {"cloister:CodeDigest": "false"}}, tee, False, f"Deny Null false, {word}",
                      release=release)
    yield allow_if({"StringEquals": {"aws:a": "1"}, "StringLike": {"aws:b": "2*"}}, {"aws:a": ["1"], "aws:b": ["22"]},
                   True, "two operators both hold")
    yield allow_if({"StringEquals": {"aws:a": "1"}, "StringLike": {"aws:b": "2*"}}, {"aws:a": ["1"], "aws:b": ["3"]},
                   False, "of two operators one does not hold")
    yield allow_if({"StringEquals": {"aws:a": "1", "aws:b": "2"}}, {"aws:a": ["1"]}, False, "of two keys one is absent")
    yield allow_if({"StringEquals": {"aws:a": ["1", "2"]}}, {"aws:a": ["2"]}, True, "either of two values")
    yield allow_if({"StringNotEquals": {"aws:a": ["1", "2"]}}, {"aws:a": ["2"]}, False, "neither of two values")
    yield allow_if({"StringEquals": {"AWS:SourceIdentity": "x"}}, {"aws:sourceidentity": ["x"]}, True,
                   "keys are compared without regard to case")
    yield allow_if({"StringEquals": {"cloister:HyperParameter/lr": "1"}}, {"CLOISTER:hyperparameter/lr": ["1"]}, True,
                   "the prefix of a hyper-parameter as well")
    yield allow_if({"StringEquals": {"cloister:HyperParameter/lr": "1"}}, {"cloister:HyperParameter/LR": ["1"]}, False,
                   "but not its own name")
    yield allow_if({"StringEquals": {"cloister:HyperParameter/lr": "1"}},
                   {"cloister:HyperParameter/LR": ["2"], "cloister:HyperParameter/lr": ["1"]}, True,
                   "two hyper-parameters that differ by case are two")
    yield allow_if({"StringEquals": {"kms:RecipientAttestation:PCR0": "ff"}}, {"cloister:Pcr0": ["ff"]}, True,
                   "PCR0 is a synonym")
    yield allow_if({"StringEquals": {"cloister:pcr31": "ff"}}, {"kms:RecipientAttestation:PCR31": ["ff"]}, True,
                   "and the other way round")
    yield allow_if({"StringEqualsIgnoreCase": {"kms:RecipientAttestation:ImageSha384": "AB"}},
                   {"cloister:Measurement": ["ab"]}, True, "ImageSha384 is the measurement")
    yield allow_if({"StringNotEquals": {"kms:RecipientAttestation:PCR0": "ff"}}, {}, False,
                   "a synonym of a claim never allows when it is absent")
    yield case("a key set under two names", INVALID, identity=[EVERYTHING],
               context={"cloister:Pcr0": ["a"], "kms:RecipientAttestation:PCR0": ["b"]}, says="set twice")
    # What an operator can not read.
    yield allow_if({"NumericLessThan": {"s3:max-keys": "5"}}, {"s3:max-keys": ["many"]}, False, "no number: no Allow")
    yield allow_if({"NumericNotEquals": {"s3:max-keys": "5"}}, {"s3:max-keys": ["many"]}, False,
                   "no number: no Allow, negated")
    yield deny_if({"NumericNotEquals": {"s3:max-keys": "5"}}, {"s3:max-keys": ["many"]}, True, "no number is unequal")
    yield deny_if({"NumericLessThan": {"s3:max-keys": "5"}}, {"s3:max-keys": ["many"]}, False,
                  "no number is not less either")
    age = "cloister:EvidenceAgeSeconds"
    yield deny_if({"NumericGreaterThan": {age: "60"}}, {age: ["old"], "cloister:Tee": ["snp"]}, True,
                  "an unreadable claim matches a release's Deny", release=True)
    yield deny_if({"NumericGreaterThan": {age: "60"}}, {age: ["old"]}, False, "and no other Deny")
    yield allow_if({"NumericLessThanIfExists": {age: "60"}}, {age: ["old"]}, False, "nor an Allow by IfExists")
    yield allow_if({"Bool": {"cloister:SecureBoot": True}}, {"cloister:SecureBoot": ["True"]}, False,
                   "true has one spelling")
    yield allow_if({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, {"aws:SourceIp": ["::ffff:192.0.2.9"]}, True,
                   "a mapped address is IPv4")
    yield allow_if({"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, {"aws:SourceIp": ["::ffff:192.0.2.9"]}, False,
                   "a mapped address is IPv4, negated")
    yield allow_if({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, {"aws:SourceIp": ["2001:db8::1"]}, False,
                   "all of IPv4 is none of IPv6")
    yield allow_if({"IpAddress": {"aws:SourceIp": ["0.0.0.0/0", "::/0"]}}, {"aws:SourceIp": ["2001:db8::1"]}, True,
                   "all of both")
    yield allow_if({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:b"}}, {"aws:SourceArn": ["arn:aws:s3:::b"]}, INVALID == "",
                   "an ARN pattern of five parts", ) | {"expect": INVALID, "says": "is no ARN"}
    yield allow_if({"ArnLike": {"aws:SourceArn": "arn:aws:*:*:*:x"}}, {"aws:SourceArn": ["arn:aws:s3:::y:x"]}, False,
                   "wildcards of ARN operators end at colons")
    yield allow_if({"StringLike": {"aws:SourceArn": "arn:aws:*:*:*:x"}}, {"aws:SourceArn": ["arn:aws:s3:::y:x"]}, True,
                   "those of strings do not")
    yield allow_if({"ArnNotLike": {"aws:SourceArn": "arn:aws:s3:::b"}}, {"aws:SourceArn": ["nothing"]}, False,
                   "what is no ARN is not unlike one in an Allow")
    yield deny_if({"ArnNotLike": {"aws:SourceArn": "arn:aws:s3:::b"}}, {"aws:SourceArn": ["nothing"]}, True,
                  "but in a Deny")


# --- wildcards, variables -------------------------------------------------------------------------------------------------


def text_cases():
    def on(resource, target, holds, name, context=None, effect="Allow", element="Resource", **fields):
        s = st(effect, resource="-", **{element: resource})
        statements = [s] if effect == "Allow" else [s, st()]
        expect = (ALLOWED if holds else NO_ID) if effect == "Allow" else (DENIED if holds else ALLOWED)
        return case(name, expect, resource=target, identity=[doc(*statements)], context=context or {}, **fields)

    b = "arn:aws:s3:::b/"
    for pattern, target, holds in [
        ("*", KEY, True), (b + "*", b, True), (b + "*", b + "x/y", True), (b + "*", "arn:aws:s3:::b", False),
        (b + "?", b + "x", True), (b + "?", b, False), (b + "?", b + "xy", False), (b + "?", b + "ü", True),
        (b + "??", b + "ü", False), (b + "*/t/*", b + "1/2/t/x", True), (b + "*/t/*", b + "t/x", False),
        (b + "*/t/*", b + "/t/", True), (b + "X", b + "x", False), ("arn:aws:kms:*", KEY, True),
        ("arn:aws:kms:*:*:key/k1", KEY, True), ("arn:aws:kms:us-*-1:1*:key/k?", KEY, True),
        (b + "a*b*c", b + "aXbYbZc", True), (b + "a*b*c", b + "aXbYcZ", False), (b + "**", b, True),
        (b + "*a", b + "aaaaaaaaab", False), (b + "$x", b + "$x", True), (b + "{x}", b + "{x}", True),
    ]:
        yield on(pattern, target, holds, f"Resource {pattern} on {target}")
        if pattern != "*":
            yield on(pattern, target, not holds, f"NotResource {pattern} on {target}", element="NotResource")
    yield on(["arn:aws:s3:::a", b + "k"], b + "k", True, "the second of two resources")
    for pattern, action, holds in [
        ("*", "kms:Decrypt", True), ("kms:*", "kms:Decrypt", True), ("KMS:DECRYPT", "kms:Decrypt", True),
        ("kms:Decryp", "kms:Decrypt", False), ("kms:D*", "kms:Decrypt", True), ("kms:?ecrypt", "kms:Decrypt", True),
        ("kms:*", "s3:GetObject", False), ("s3:Get*", "s3:GetObject", True), ("s3:Get*", "s3:PutObject", False),
    ]:
        yield case(f"Action {pattern} for {action}", ALLOWED if holds else NO_ID, action=action, context={},
                   identity=[doc(st(action=pattern))])
        yield case(f"NotAction {pattern} for {action}", NO_ID if holds else ALLOWED, action=action, context={},
                   identity=[doc(st(action="-", NotAction=pattern))])
    ann = {"aws:username": ["ann"]}
    yield on(b + "${aws:username}/*", b + "ann/x", True, "a variable", ann)
    yield on(b + "${aws:username}/*", b + "bob/x", False, "a variable of another value", ann)
    yield on(b + "${AWS:UserName}/*", b + "ann/x", True, "a variable's case does not matter", ann)
    yield on(b + "${aws:username}", b + "anything", False, "what a variable stands for is no wildcard",
             {"aws:username": ["*"]})
    yield on(b + "${aws:username}", b + "*", True, "but a character", {"aws:username": ["*"]})
    yield on(b + "${aws:username}", b + "${aws:userid}", True, "nor is it a variable again",
             {"aws:username": ["${aws:userid}"], "aws:userid": ["x"]})
    yield on(b + "${*}", b + "*", True, "an escaped star")
    yield on(b + "${*}", b + "x", False, "an escaped star is no wildcard")
    yield on(b + "${?}${$}", b + "?$", True, "an escaped question mark and dollar")
    yield on(b + "${aws:username}", b, False, "a variable without a value allows nothing")
    yield on(b + "${aws:username}", b + "x", False, "nor by NotResource", element="NotResource")
    yield on(b + "${aws:username}", b + "x", False, "nor does it deny", effect="Deny")
    yield on(b + "${aws:username}", b + "x", True, "but by NotResource", effect="Deny", element="NotResource")
    yield on(b + "${aws:username, 'all'}", b + "all", True, "a default")
    yield on(b + "${aws:username,'all'}", b + "all", True, "a default without a space")
    yield on(b + "${aws:username, ''}", b, True, "an empty default")
    yield on(b + "${aws:username, 'all'}", b + "all", False, "a default gives way to a value", ann)
    yield on(b + "${aws:username}", b + "ann", False, "a variable of several values has none",
             {"aws:username": ["ann", "bob"]})
    yield on(b + "${cloister:Purpose, 'research'}", b + "research", False, "a claim's default does not allow")
    yield on(b + "${cloister:Purpose, 'research'}", b + "research", True, "a claim's default denies", effect="Deny")
    yield on(b + "${cloister:Purpose}", b + "research", True, "a claim's value may stand in an Allow",
             {"cloister:Purpose": ["research"]})
    tee = {"cloister:Tee": ["snp"]}
    yield on(b + "${cloister:Purpose}", b + "x", True, "an absent claim in a release's Deny matches", tee, "Deny",
             release=True)
    yield on(b + "${cloister:Purpose, 'y'}", b + "x", True, "with a default too", tee, "Deny", release=True)
    yield on(b + "${cloister:Purpose}", b + "x", False, "an absent claim in another Deny does not", tee, "Deny")
    key = "aws:PrincipalTag/a"
    yield allow_if({"StringEquals": {key: "${aws:username}"}}, {key: ["ann"], **ann}, True, "a variable in a condition")
    yield allow_if({"StringEquals": {key: "${aws:username}"}}, {key: ["ann"]}, False, "without a value")
    yield allow_if({"StringNotEquals": {key: "${aws:username}"}}, {key: ["ann"]}, False, "without a value, negated")
    yield allow_if({"StringEquals": {key: ["${aws:username}", "ann"]}}, {key: ["ann"]}, True, "beside one that is known")
    yield allow_if({"StringNotEquals": {key: ["${aws:username}", "bob"]}}, {key: ["ann"]}, False,
                   "beside one that is known, negated")
    yield deny_if({"StringEquals": {key: "${aws:username}"}}, {key: ["ann"]}, False, "without a value, Deny")
    yield deny_if({"StringNotEquals": {key: "${aws:username}"}}, {key: ["ann"]}, True, "without a value, Deny, negated")
    yield deny_if({"StringEquals": {key: "${cloister:Purpose}"}}, {key: ["ann"], **tee}, True,
                  "an absent claim as variable in a release's Deny condition", release=True)
    yield allow_if({"StringLike": {key: "*${aws:username}*"}}, {key: ["xanny"], **ann}, True, "among wildcards")
    yield allow_if({"StringEquals": {key: "a*"}}, {key: ["ab"]}, False, "StringEquals has no wildcards")
    yield allow_if({"ArnLike": {"aws:SourceArn": "arn:aws:iam::${aws:PrincipalAccount}:role/*"}},
                   {"aws:SourceArn": [f"arn:aws:iam::{A}:role/x"], "aws:PrincipalAccount": [A]}, True,
                   "a variable in an ARN pattern")


# --- who -------------------------------------------------------------------------------------------------------------------


def principal_cases():
    kinds = ["none", "sufficient", "required"]
    yield case("no policy at all", NO_ID, context={})
    yield case("an identity policy in its own account", ALLOWED, identity=[EVERYTHING], context={})
    yield case("a later policy allows", ALLOWED, identity=[doc(st(action="s3:*")), EVERYTHING], context={},
               says="statement 1 of the identity policy allows kms:Decrypt")
    yield case("a Deny in any policy wins", DENIED, identity=[EVERYTHING, doc(st("Deny", Sid="No"))], context={},
               says="statement 1 (No) of the identity policy denies kms:Decrypt on " + KEY)
    yield case("root needs no policy", ALLOWED, ROOT, context={}, says="root")
    yield case("root is denied by a Deny", DENIED, ROOT, kind="sufficient", policy=doc(st("Deny", principal="*")),
               context={})
    for kind in kinds:
        yield case(f"identity alone, {kind}", NO_RES if kind == "required" else ALLOWED, identity=[EVERYTHING],
                   kind=kind, context={})
        yield case(f"identity alone across accounts, {kind}", NO_RES, BOB, identity=[EVERYTHING], kind=kind, context={})
        yield case(f"root of another account, {kind}", NO_RES, ROOT_B, kind=kind, context={})
    # (caller, Principal, with an identity policy, kind) -> what comes out
    whole = f"arn:aws:iam::{A}:root"
    session_arn, role_arn = SESSION["arn"], SESSION["role"]
    table = [
        (USER, USER["arn"], False, "required", ALLOWED), (USER, USER["arn"], False, "sufficient", ALLOWED),
        (USER, f"arn:aws:iam::{A}:user/other", True, "required", NO_RES),
        (USER, f"arn:aws:iam::{A}:user/other", True, "sufficient", ALLOWED),
        (USER, whole, False, "required", NO_ID), (USER, whole, True, "required", ALLOWED),
        (USER, A, True, "required", ALLOWED), (USER, B, True, "required", NO_RES),
        (USER, whole, False, "sufficient", NO_ID), (USER, "*", False, "required", ALLOWED),
        (ROOT, whole, False, "required", ALLOWED), (ROOT, USER["arn"], False, "required", NO_RES),
        (ROOT, "*", False, "required", ALLOWED),
        (SESSION, session_arn, False, "required", ALLOWED), (SESSION, role_arn, False, "required", ALLOWED),
        (SESSION, A, False, "required", NO_ID), (SESSION, A, True, "required", ALLOWED),
        (SESSION, f"arn:aws:sts::{A}:assumed-role/job/s2", True, "required", NO_RES),
        (BOB, BOB["arn"], False, "required", NO_ID), (BOB, BOB["arn"], True, "required", ALLOWED),
        (BOB, BOB["arn"], True, "sufficient", ALLOWED), (BOB, B, True, "required", ALLOWED),
        (BOB, B, False, "sufficient", NO_ID), (BOB, A, True, "required", NO_RES), (BOB, "*", True, "required", ALLOWED),
        (BOB, "*", False, "sufficient", NO_ID), (ROOT_B, B, False, "required", ALLOWED),
        (ROOT_B, A, False, "required", NO_RES), (SESSION_B, SESSION_B["role"], True, "required", ALLOWED),
        (SESSION_B, SESSION_B["role"], False, "required", NO_ID), (SESSION_B, role_arn, True, "required", NO_RES),
    ]
    for who, principal, has_identity, kind, expect in table:
        yield case(f"{who['arn']}, resource names {principal}, {'with' if has_identity else 'no'} identity, {kind}",
                   expect, who, kind=kind, context={}, policy=doc(st(principal={"AWS": principal})),
                   **({"identity": [EVERYTHING]} if has_identity else {}))
    yield case("anonymous, by a star", ALLOWED, NOBODY, kind="sufficient", context={}, policy=doc(st(principal="*")))
    yield case("anonymous, by an AWS star", ALLOWED, NOBODY, kind="sufficient", context={},
               policy=doc(st(principal={"AWS": "*"})))
    yield case("anonymous, by an account", NO_RES, NOBODY, kind="sufficient", context={},
               policy=doc(st(principal={"AWS": A})))
    yield case("anonymous, without a policy", NO_RES, NOBODY, kind="sufficient", context={})
    yield case("a service by its name", ALLOWED, SERVICE, kind="required", context={},
               policy=doc(st(principal={"Service": "sagemaker.amazonaws.com"})))
    yield case("a service by another's name", NO_RES, SERVICE, kind="required", context={},
               policy=doc(st(principal={"Service": "kms.amazonaws.com"})))
    yield case("a service by a star", NO_RES, SERVICE, kind="required", context={}, policy=doc(st(principal="*")))
    yield case("a service is denied by a star", DENIED, SERVICE, kind="required", context={},
               policy=doc(st(principal={"Service": "sagemaker.amazonaws.com"}), st("Deny", principal="*")))
    yield case("a user named as a service", NO_RES, USER, kind="required", context={}, identity=[EVERYTHING],
               policy=doc(st(principal={"Service": USER["arn"]})))
    for who, name in ((USER, "user"), (SESSION, "session"), (ROOT, "root")):
        yield case(f"a Deny of the account denies its {name}", DENIED, who, kind="sufficient", context={},
                   identity=[EVERYTHING], policy=doc(st("Deny", principal={"AWS": A})))
    yield case("a Deny of the role denies its session", DENIED, SESSION, kind="sufficient", context={},
               identity=[EVERYTHING], policy=doc(st("Deny", principal={"AWS": role_arn})))
    for who, spared, expect in [(USER, [USER["arn"], whole], ALLOWED), (USER, [whole], DENIED), (ROOT, [whole], ALLOWED),
                                (SESSION, [role_arn], ALLOWED), (SESSION, [USER["arn"]], DENIED), (USER, ["*"], ALLOWED)]:
        yield case(f"NotPrincipal {' '.join(spared)} and {who['arn']}", expect, who, kind="sufficient", context={},
                   identity=[EVERYTHING], policy=doc(st("Deny", NotPrincipal={"AWS": spared})))
    # Boundaries and sessions.
    only_s3, only_kms = doc(st(action="s3:*")), doc(st(action="kms:*"))
    yield case("a boundary that allows", ALLOWED, identity=[EVERYTHING], boundary=only_kms, context={})
    yield case("a boundary that does not", BOUNDARY, identity=[EVERYTHING], boundary=only_s3, context={})
    yield case("a boundary grants nothing", NO_ID, boundary=EVERYTHING, context={})
    yield case("a Deny in a boundary", DENIED, identity=[EVERYTHING], boundary=doc(st(), st("Deny")), context={})
    yield case("a session policy that allows", ALLOWED, SESSION, identity=[EVERYTHING], session=only_kms, context={})
    yield case("a session policy that does not", SESS, SESSION, identity=[EVERYTHING], session=only_s3, context={})
    yield case("a session policy grants nothing", NO_ID, SESSION, session=EVERYTHING, context={})
    yield case("a Deny in a session policy", DENIED, SESSION, identity=[EVERYTHING], session=doc(st("Deny")), context={})
    for who, principal, limit, expect in [
        (USER, USER["arn"], "boundary", ALLOWED), (USER, "*", "boundary", NO_ID), (USER, A, "boundary", NO_ID),
        (SESSION, role_arn, "boundary", NO_ID), (SESSION, role_arn, "session", NO_ID),
        (SESSION, session_arn, "boundary", ALLOWED), (SESSION, session_arn, "session", ALLOWED),
        (SESSION, "*", "session", NO_ID),
    ]:
        yield case(f"{who['arn']} named as {principal} outside of its {limit}", expect, who, kind="required",
                   context={}, policy=doc(st(principal={"AWS": principal})), **{limit: only_s3})
    yield case("across accounts the boundary limits", BOUNDARY, BOB, kind="required", context={}, identity=[EVERYTHING],
               boundary=only_s3, policy=doc(st(principal={"AWS": BOB["arn"]})))
    yield case("across accounts the session policy limits", SESS, SESSION_B, kind="required", context={},
               identity=[EVERYTHING], session=only_s3, policy=doc(st(principal={"AWS": SESSION_B["arn"]})))
    yield case("across accounts a Deny of the owner", DENIED, BOB, kind="required", context={}, identity=[EVERYTHING],
               policy=doc(st(principal={"AWS": B}), st("Deny", principal={"AWS": BOB["arn"]})))
    yield case("across accounts a Deny of the caller's side", DENIED, BOB, kind="required", context={},
               identity=[doc(st(), st("Deny"))], policy=doc(st(principal={"AWS": B})))
    yield case("the role to be assumed", ALLOWED, USER, action="sts:AssumeRole", resource=role_arn, kind="required",
               trust=True, context={}, policy=doc(st(action="sts:AssumeRole", resource="-", principal={"AWS": USER["arn"]})))
    yield case("a role whose trust leaves it to the account", NO_ID, USER, action="sts:AssumeRole", resource=role_arn,
               kind="required", trust=True, context={},
               policy=doc(st(action="sts:AssumeRole", resource="-", principal={"AWS": A})))
    yield case("a role that trusts nobody here", NO_RES, USER, action="sts:AssumeRole", resource=role_arn,
               identity=[EVERYTHING], kind="required", trust=True, context={},
               policy=doc(st(action="sts:AssumeRole", resource="-", principal={"AWS": C})))
    yield case("the sentence of a refusal", NO_ID, context={},
               says="no statement in the policies of the caller allows kms:Decrypt on " + KEY)
    yield case("the sentence of a near miss", NO_ID, identity=[doc(st(condition={"Bool": {"aws:a": "true"}}, Sid="Near"))],
               context={}, says="statement 1 (Near) of the identity policy would, but its condition Bool on aws:a")


# --- releases -------------------------------------------------------------------------------------------------------------


def release_cases():
    role = {"AWS": SESSION_B["role"]}

    def release(name, expect, context, condition=None, conditions=None, identity=EVERYTHING, **fields):
        statements = [st(principal=role, condition=c) for c in (conditions or [condition])]
        return case(name, expect, SESSION_B, kind="required", release=True, context=context,
                    policy=doc(*statements), identity=[identity], **fields)

    snp, sim = {"cloister:Tee": ["snp"]}, {"cloister:Tee": ["sim"]}
    yield release("snp needs no naming", ALLOWED, snp)
    for tee in ("tdx", "tpm", "sgx"):
        yield release(f"{tee} needs no naming", ALLOWED, {"cloister:Tee": [tee]})
    yield release("evidence without a TEE", NO_TEE, {})
    yield release("evidence with two", NO_TEE, {"cloister:Tee": ["snp", "tdx"]})
    yield release("sim unnamed", NO_RES, sim, says="cloister:Tee is sim and the statement does not name that")
    sims = [
        ({"StringEquals": {"cloister:Tee": "sim"}}, ALLOWED), ({"StringEquals": {"cloister:Tee": ["snp", "sim"]}}, ALLOWED),
        ({"StringEqualsIgnoreCase": {"cloister:Tee": "sim"}}, ALLOWED),
        ({"StringEqualsIgnoreCase": {"cloister:Tee": "SIM"}}, NO_RES), ({"StringLike": {"cloister:Tee": "sim"}}, ALLOWED),
        ({"StringLike": {"cloister:Tee": "s*"}}, NO_RES), ({"StringLike": {"cloister:Tee": "*"}}, NO_RES),
        ({"StringLike": {"cloister:Tee": "si?"}}, NO_RES), ({"StringLike": {"cloister:Tee": ["*", "sim"]}}, ALLOWED),
        ({"StringNotEquals": {"cloister:Tee": "snp"}}, NO_RES), ({"StringNotLike": {"cloister:Tee": "snp"}}, NO_RES),
        ({"StringEquals": {"cloister:Tee": "${cloister:Tee}"}}, NO_RES), ({"Null": {"cloister:Tee": "false"}}, NO_RES),
        ({"StringEqualsIfExists": {"cloister:Tee": "sim"}}, ALLOWED),
        ({"ForAnyValue:StringEquals": {"cloister:Tee": ["sim"]}}, ALLOWED),
        ({"ForAllValues:StringEquals": {"cloister:Tee": ["sim"]}}, ALLOWED),
        ({"StringEquals": {"cloister:Backend": "process"}}, NO_RES), ({"StringEquals": {"cloister:Tee": "snp"}}, NO_RES),
        ({"StringEquals": {"cloister:tee": "sim"}}, ALLOWED),
    ]
    for condition, expect in sims:
        yield release(f"sim by {json.dumps(condition)}", expect, {**sim, "cloister:Backend": ["process"]}, condition)
    for value, condition, expect in [
        ("false", None, ALLOWED), ("true", None, NO_RES), ("true", {"Bool": {"cloister:Debug": "true"}}, ALLOWED),
        ("true", {"Bool": {"cloister:Debug": True}}, ALLOWED), ("true", {"StringEquals": {"cloister:Debug": "true"}}, ALLOWED),
        ("true", {"Bool": {"cloister:Debug": ["true", "false"]}}, ALLOWED),
        ("true", {"StringNotEquals": {"cloister:Debug": "false"}}, NO_RES),
        ("true", {"StringLike": {"cloister:Debug": "t*"}}, NO_RES), ("yes", None, NO_RES), ("", None, NO_RES),
        ("false", {"Bool": {"cloister:Debug": "false"}}, ALLOWED), ("true", {"Bool": {"cloister:Debug": "false"}}, NO_RES),
    ]:
        yield release(f"Debug {value} by {json.dumps(condition)}", expect, {**snp, "cloister:Debug": [value]}, condition)
    for value, condition, expect in [
        ("UpToDate", None, ALLOWED), ("OutOfDate", None, NO_RES), ("Revoked", None, NO_RES), ("uptodate", None, NO_RES),
        ("OutOfDate", {"StringEquals": {"cloister:TcbStatus": "OutOfDate"}}, ALLOWED),
        ("OutOfDate", {"StringEquals": {"cloister:TcbStatus": ["UpToDate", "OutOfDate"]}}, ALLOWED),
        ("OutOfDate", {"StringLike": {"cloister:TcbStatus": "*Date"}}, NO_RES),
        ("OutOfDate", {"StringNotEquals": {"cloister:TcbStatus": "Revoked"}}, NO_RES),
        ("Revoked", {"StringEquals": {"cloister:TcbStatus": "OutOfDate"}}, NO_RES),
    ]:
        yield release(f"TcbStatus {value} by {json.dumps(condition)}", expect, {**snp, "cloister:TcbStatus": [value]},
                      condition)
    insecure = {**snp, "cloister:Insecure": ["insecure_tpm_root", "insecure_http"]}
    yield release("insecure switches unnamed", NO_RES, insecure)
    yield release("one insecure switch unnamed", NO_RES, insecure,
                  {"ForAnyValue:StringEquals": {"cloister:Insecure": ["insecure_tpm_root"]}})
    yield release("both insecure switches named", ALLOWED, insecure,
                  {"StringEquals": {"cloister:Insecure": ["insecure_tpm_root", "insecure_http"]}})
    both = {**sim, "cloister:Debug": ["true"]}
    names_tee, names_debug = {"StringEquals": {"cloister:Tee": "sim"}}, {"Bool": {"cloister:Debug": "true"}}
    yield release("two dangers named by two statements", NO_RES, both, conditions=[names_tee, names_debug])
    yield release("two dangers named by one", ALLOWED, both, {**names_tee, **names_debug})
    yield release("the second statement names it", ALLOWED, sim,
                  conditions=[{"StringEquals": {"cloister:Purpose": "x"}}, names_tee])
    # The rule is for releases, and for the policy that guards the key.
    yield case("sim outside of a release", ALLOWED, SESSION_B, kind="required", context=sim, identity=[EVERYTHING],
               policy=doc(st(principal=role)))
    yield case("the caller's own policy need not name it", ALLOWED, SESSION_B, kind="required", context=sim, release=True,
               identity=[EVERYTHING], policy=doc(st(principal=role, condition=names_tee)))
    yield case("and can not name it for the owner", NO_RES, SESSION_B, kind="required", context=sim, release=True,
               identity=[doc(st(condition=names_tee))], policy=doc(st(principal=role)))
    yield case("leaving it to the account must name it", NO_RES, SESSION, kind="required", context=sim, release=True,
               identity=[EVERYTHING], policy=doc(st(principal={"AWS": A})))
    yield case("leaving it to the account by name", ALLOWED, SESSION, kind="required", context=sim, release=True,
               identity=[EVERYTHING], policy=doc(st(principal={"AWS": A}, condition=names_tee)))
    for kind in ("none", "sufficient"):
        yield case(f"an identity policy alone must name it, {kind}", NO_ID, SESSION, kind=kind, context=sim, release=True,
                   identity=[EVERYTHING])
        yield case(f"an identity policy alone names it, {kind}", ALLOWED, SESSION, kind=kind, context=sim, release=True,
                   identity=[doc(st(condition=names_tee))])
    yield case("the root user's own key and sim", NO_RES, ROOT, kind="required", context=sim, release=True,
               policy=doc(st(principal={"AWS": A})))
    # Absent claims.
    digest = {"StringEquals": {"cloister:CodeDigest": "aa"}}
    yield release("a claim that is there", ALLOWED, {**snp, "cloister:CodeDigest": ["aa"]}, digest)
    yield release("a claim that is another", NO_RES, {**snp, "cloister:CodeDigest": ["bb"]}, digest,
                  says="would, but its condition StringEquals on cloister:CodeDigest does not hold")
    yield release("a claim that is absent", NO_RES, snp, digest)
    for operator in ("StringNotEquals", "StringEqualsIfExists", "StringNotEqualsIfExists", "ForAllValues:StringEquals",
                     "ForAllValues:StringNotEquals", "ForAnyValue:StringEqualsIfExists", "StringNotLike", "ArnNotLike"):
        want = "arn:aws:s3:::x" if "Arn" in operator else "aa"
        yield release(f"an absent claim by {operator}", NO_RES, snp, {operator: {"cloister:CodeDigest": want}})
    for operator in ("StringEquals", "StringLike", "ForAnyValue:StringEquals", "StringEqualsIfExists", "StringNotEquals",
                     "ForAnyValue:StringNotEquals"):
        yield case(f"an absent claim denies by {operator}", DENIED, SESSION_B, kind="required", release=True, context=snp,
                   identity=[EVERYTHING],
                   policy=doc(st(principal=role), st("Deny", principal="*", condition={operator: {"cloister:Gpu": "none"}})))
    yield case("a Deny in the caller's own policy by an absent claim", DENIED, SESSION_B, kind="required", release=True,
               context=snp, policy=doc(st(principal=role)),
               identity=[doc(st(), st("Deny", condition={"StringEquals": {"cloister:Gpu": "none"}}))])
    claims = ("Tee", "Backend", "Measurement", "Pcr0", "Pcr31", "ImageDigest", "CodeDigest", "ManifestDigest", "Debug",
              "SecureBoot", "SmtEnabled", "MemoryEncrypted", "TcbStatus", "TcbVersion", "TcbVersion/microcode",
              "EvidenceAgeSeconds", "Purpose", "JobOwner", "EntryPoint", "HyperParameter/lr", "Environment/MODE",
              "InputOwners", "InputDigests", "OutputKey", "EgressPolicy", "LogByteBudget", "PlatformId", "Placement",
              "Gpu", "Insecure")
    for claim in claims:
        key = "cloister:" + claim
        yield allow_if({"StringNotEquals": {key: "x"}}, {}, False, f"{key} is a claim: absent, it does not allow")
        yield deny_if({"StringEquals": {key: "x"}}, {} if claim == "Tee" else snp, True,
                      f"{key} is a claim: absent, it denies a release", release=True)
    for claim in ("PCR0", "PCR7", "PCR31", "ImageSha384"):
        yield allow_if({"StringNotEquals": {"kms:RecipientAttestation:" + claim: "x"}}, {}, False,
                       f"kms:RecipientAttestation:{claim} is a claim")
    yield allow_if({"StringNotEquals": {"cloister:CredentialOrigin": "plain"}}, {}, True,
                   "cloister:CredentialOrigin is a fact of the request and no claim")


# --- the grammar -----------------------------------------------------------------------------------------------------------


def grammar_cases():
    def bad(name, policy, says, **fields):
        return case(name, INVALID, identity=[policy], context={}, says=says, **fields)

    def good(name, policy, **fields):
        return case(name, ALLOWED, identity=[policy], context={}, **fields)

    def bad_statement(name, says, drop=(), **more):
        s = st(**more)
        for key in drop:
            s.pop(key)
        return bad(name, doc(s), says)

    def bad_condition(name, condition, says):
        return bad(name, doc(st(condition=condition)), says)

    yield good("one statement without a list", doc(st()))
    yield good("Id is allowed", {"Version": "2012-10-17", "Id": "x", "Statement": st()})
    yield good("version 2008", doc(st(), version="2008-10-17"))
    yield good("no version", {"Statement": [st()]})
    yield good("a Sid with spaces", doc(st(Sid="Enable IAM User Permissions")))
    yield good("an Action alone in a list", doc(st(action=["kms:Decrypt"])))
    yield bad("no JSON", "{", "")
    yield bad("a list", "[]", "")
    yield bad("an empty object", {}, "Statement is missing")
    yield bad("text after the document", '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}} x', "")
    yield bad("a member twice", '{"Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}', "")
    yield bad("an unknown member", {**doc(st()), "Statements": []}, "Statements")
    yield bad("an unknown version", doc(st(), version="2012-10-18"), "2012-10-18")
    yield bad("no statements", {"Statement": []}, "empty list")
    yield bad("a statement that is text", {"Statement": ["x"]}, "statement 1: an object")
    yield bad("an unknown element", doc(st(), st(Actions="x")), "statement 2: ")
    yield bad_statement("no Effect", "Effect", drop=["Effect"])
    yield bad_statement("a small effect", "Allow or Deny", effect="allow")
    yield bad_statement("no Action", "Action is missing", drop=["Action"])
    yield bad_statement("no Resource", "Resource is missing", drop=["Resource"])
    yield bad_statement("both actions", "both Action and NotAction", NotAction="s3:*")
    yield bad_statement("both resources", "both Resource and NotResource", NotResource="*")
    yield bad_statement("a principal in an identity's policy", "Principal", principal="*")
    yield bad_statement("an empty list of actions", "Action: an empty list", action=[])
    yield bad_statement("an action that is a number", "a string", action=[1])
    for action in ("", "kms", ":x", "kms:", "k*s:Decrypt", "kms:De crypt", "kms:a:b", "kms:${x}", "**"):
        yield bad_statement(f"the action {action!r}", "is no action", action=action)
    yield bad_statement("an empty list of resources", "Resource: an empty list", resource=[])
    for resource in ("", "x", "arn", "arn:aws", "arn:aws:s3", "arn:aws:s3:", "arn::s3:::b", "arn:aws:s*:::b", "arn:*",
                     "ARN:aws:s3:::b", "arn:aws:${aws:x}:::b"):
        yield bad_statement(f"the resource {resource!r}", "is no resource", resource=resource)
    for text, says in [("${", "does not end"), ("${x", "does not end"), ("${}", "without a name"),
                       ("${aws:x, y}", "between single quotes"), ("${aws:x, 'y}", "between single quotes"),
                       ("${x}", "is no condition key"), ("${cloister:Nothing}", "there is no condition key"),
                       ("${**}", "is no condition key")]:
        yield bad_statement(f"the variable {text}", says, resource="arn:aws:s3:::b/" + text)
    yield bad("a variable in version 2008", doc(st(resource="arn:aws:s3:::${aws:username}"), version="2008-10-17"),
              "2012-10-17")
    yield bad_statement("nine variables", "more than 8 variables", resource="arn:aws:s3:::" + "${aws:x}" * 9)
    yield bad_condition("an empty Condition", {}, "an object of operators")
    yield bad_condition("a Condition that is text", "x", "an object of operators")
    yield bad_condition("an operator without keys", {"StringEquals": {}}, "an object of condition keys")
    for operator in ("StringEqual", "stringEquals", "StringEqualsIfExist", "ForAnyValues:StringEquals",
                     "ForAnyValue:ForAllValues:StringEquals", "StringEqualsIfExistsIfExists", "BinaryNotEquals", "BoolNot",
                     ""):
        yield bad_condition(f"the operator {operator!r}", {operator: {"aws:a": "x"}}, "there is no condition operator")
    for operator in ("NullIfExists", "ForAnyValue:Null", "ForAllValues:Null"):
        yield bad_condition(f"the operator {operator}", {operator: {"aws:a": "true"}}, "Null takes neither")
    for key in ("", "x", ":x", "aws:", "a b:c", "aws:a\u0001"):
        yield bad_condition(f"the key {key!r}", {"StringEquals": {key: "x"}}, "is no condition key")
    for key in ("cloister:Teee", "cloister:Pcr", "cloister:Pcr32", "cloister:Pcr00", "cloister:HyperParameter/",
                "cloister:HyperParameter", "cloister:TcbVersion/", "kms:RecipientAttestation:PCR32",
                "kms:RecipientAttestation:Pcr", "kms:RecipientAttestation:x", "kms:RecipientAttestation:"):
        says = "is no condition key" if key.endswith("Attestation:x:") else "condition key"
        yield bad_condition(f"the key {key}", {"StringNotEquals": {key: "x"}}, says)
    yield bad_condition("an empty list of values", {"StringEquals": {"aws:a": []}}, "a list without values")
    yield bad_condition("a value that is null", {"StringEquals": {"aws:a": None}}, "a value is a string")
    yield bad_condition("a value that is an object", {"StringEquals": {"aws:a": {}}}, "a value is a string")
    yield bad_condition("a list in a list", {"StringEquals": {"aws:a": [["x"]]}}, "a value is a string")
    yield bad_condition("a fraction", {"NumericLessThan": {"aws:a": 1.5}}, "as a string")
    for operator, value, says in [
        ("NumericLessThan", "ten", "is not a decimal number"), ("NumericLessThan", "", "is not a decimal number"),
        ("NumericLessThan", "1.", "is not a decimal number"), ("NumericLessThan", ".5", "is not a decimal number"),
        ("NumericLessThan", "+1", "is not a decimal number"), ("NumericLessThan", "1e3", "is not a decimal number"),
        ("NumericLessThan", "${aws:x}", "is not a decimal number"), ("NumericLessThan", "1" * 41, "41 characters"),
        ("DateLessThan", "tomorrow", ""), ("DateLessThan", "2026-02-30T00:00:00Z", ""), ("DateLessThan", "2026-13-01", ""),
        ("DateLessThan", "2026-01-01T00:00:00+01:00", ""), ("DateLessThan", "253402300800", ""),
        ("Bool", "yes", "neither true nor false"), ("Bool", "TRUE", "neither true nor false"),
        ("Bool", 1, "neither true nor false"), ("Null", "x", "neither true nor false"), ("BinaryEquals", "!", ""),
        ("BinaryEquals", "AAE", ""), ("IpAddress", "192.0.2", ""), ("IpAddress", "192.0.2.0/33", ""),
        ("IpAddress", "192.0.2.0/", ""), ("IpAddress", "2001:db8::/129", ""), ("IpAddress", "*", ""),
        ("IpAddress", "::ffff:192.0.2.0/120", "as IPv4"), ("IpAddress", "192.0.2.0/024", ""),
        ("ArnLike", "x", "is no ARN"), ("ArnLike", "arn:aws:iam::root", "is no ARN"), ("ArnEquals", "", "is no ARN"),
    ]:
        yield bad_condition(f"{operator} {value!r}", {operator: {"aws:a": value}}, says)
    # Principals.
    def bad_principal(principal, says, name=None):
        return case(name or f"the principal {json.dumps(principal)}", INVALID, kind="required", context={}, says=says,
                    policy=doc(st(principal=principal)))

    for principal in ("x", "", A, {}, [], ["*"], 1):
        yield bad_principal(principal, "is expected")
    for text in ("", "x", "1", A + "1", "**", "a*", f"arn:aws:iam::{A}:user/*", f"arn:aws:iam::{A}:user/",
                 f"arn:aws:iam::{A}:group/x", f"arn:aws:iam::*:root", "arn:aws:iam::1:root",
                 f"arn:aws:iam:us-east-1:{A}:root", f"arn:aws:sts::{A}:assumed-role/job", "arn:aws:s3:::b",
                 f"arn:aws:sts::{A}:assumed-role/job/", f"arn:aws:sts::{A}:assumed-role/a/b/c", f"arn::iam::{A}:root"):
        yield bad_principal({"AWS": text}, "principal")
    yield bad_principal({"AWS": []}, "a list without principals")
    yield bad_principal({"AWS": [1]}, "a principal is a string")
    yield bad_principal({"Service": ""}, "has a name")
    yield bad_principal({"Service": "*"}, "without wildcards")
    yield bad_principal({"CanonicalUser": "x"}, "CanonicalUser")
    yield case("no principal in a key's policy", INVALID, kind="required", context={}, policy=doc(st()),
               says="Principal is missing")
    yield case("NotPrincipal in an Allow", INVALID, kind="required", context={}, policy=doc(st(NotPrincipal={"AWS": A})),
               says="NotPrincipal is for Deny")
    yield case("both principals", INVALID, kind="required", context={}, says="both Principal and NotPrincipal",
               policy=doc(st("Deny", principal="*", NotPrincipal={"AWS": A})))
    yield case("a resource in a trust policy", INVALID, kind="required", trust=True, context={}, says="Resource",
               policy=doc(st(action="sts:AssumeRole", principal="*")))
    # Limits, each at its edge and past it.
    yield good("128 statements", doc(*[st()] * 128))
    yield bad("129 statements", doc(*[st()] * 129), "at most 128")
    yield good("256 resources", doc(st(resource=["arn:aws:s3:::b"] * 255 + ["*"])))
    yield bad("257 resources", doc(st(resource=["*"] * 257)), "at most 256")
    yield bad("257 values", doc(st(condition={"StringEquals": {"aws:a": ["x"] * 257}})), "at most 256")
    yield case("256 principals", ALLOWED, kind="required", context={},
               policy=doc(st(principal={"AWS": [C] * 200 + [USER["arn"]], "Service": ["x"] * 55})))
    yield case("257 principals", INVALID, kind="required", context={}, says="more than 256",
               policy=doc(st(principal={"AWS": [C] * 201, "Service": ["x"] * 56})))
    keys = {f"aws:k{i}": "x" for i in range(65)}
    yield bad("65 conditions", doc(st(condition={"StringNotEquals": dict(keys)})), "at most 64")
    keys.pop("aws:k64")
    yield good("64 conditions", doc(st(condition={"StringNotEquals": keys})))
    yield good("a Sid of 128 bytes", doc(st(Sid="x" * 128)))
    yield bad("a Sid of 129 bytes", doc(st(Sid="x" * 129)), "at most 128")
    yield bad("a Sid with a control character", doc(st(Sid="a\nb")), "control character")
    long_key = "cloister:HyperParameter/" + "x" * (320 - 24)
    yield bad_condition("a key of 321 bytes", {"StringEquals": {long_key + "x": "x"}}, "at most 320")
    yield bad_condition("a key of 320 bytes passes", {"StringEqual": {long_key: "x"}}, "there is no condition operator")
    yield bad("a text of 4097 bytes", doc(st(resource="arn:aws:s3:::" + "x" * (4097 - 13))), "at most 4096")
    yield good("a text of 4096 bytes", doc(st(resource=["arn:aws:s3:::" + "x" * (4096 - 13), "*"])))
    document = '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'
    yield good("a document of 32768 bytes", document + " " * (32768 - len(document)))
    yield bad("a document of 32769 bytes", document + " " * (32769 - len(document)), "at most 32768")


write("operators.jsonl", list(operator_cases()))
write("conditions.jsonl", list(condition_cases()))
write("texts.jsonl", list(text_cases()))
write("principals.jsonl", list(principal_cases()))
write("release.jsonl", list(release_cases()))
write("grammar.jsonl", list(grammar_cases()))
