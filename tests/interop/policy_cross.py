#!/usr/bin/python3
"""Random policies and requests, evaluated by policy_eval (src/iam) and by policy_model.py: they must agree.

usage: policy_cross.py POLICY_EVAL [CASES [SEED]]
"""

import collections
import json
import random
import subprocess
import sys

import policy_model

A, B = "111111111111", "222222222222"
TEXTS = {
    "aws:username": ["ann", "bob", "a*", "Ann", ""],
    "aws:PrincipalTag/team": ["red", "blue", "Red"],
    "aws:TagKeys": ["one", "two", "three", ""],
    "cloister:Tee": ["sim", "snp", "tdx", "Sim"],
    "cloister:TcbStatus": ["UpToDate", "OutOfDate", "Revoked"],
    "cloister:CodeDigest": ["aa11", "bb22", "AA11"],
    "cloister:Pcr0": ["00", "ff"],
    "kms:RecipientAttestation:PCR0": ["00", "ff"],
    "cloister:Measurement": ["m1", "m2"],
    "cloister:InputOwners": [A, B, "333333333333"],
    "cloister:HyperParameter/lr": ["0.1", "0.2", "x"],
    "cloister:HyperParameter/LR": ["0.1", "0.2"],
    "cloister:Environment/MODE": ["fast", "slow", ""],
    "cloister:Purpose": ["research", "ads"],
    "cloister:Insecure": ["insecure_tpm_root", "insecure_http", "*"],
    "cloister:CredentialOrigin": ["plain", "sealed"],
}
MULTI = ["aws:TagKeys", "cloister:InputOwners", "cloister:InputDigests", "cloister:Insecure", "aws:username",
         "cloister:Purpose"]
NUMBERS = ["0", "1", "-1", "1.0", "01.50", "1.5", "10", "9007199254740993", "9007199254740992", "0.1", "-0", "x", ""]
DATES = ["2026-01-01T00:00:00Z", "2026-01-01", "1767225600", "2025-06-30T12:00:00Z", "0", "2026-13-01T00:00:00Z", "soon"]
BOOLS = ["true", "false", "True", ""]
BINARIES = ["AAEC", "AAED", "AA==", "!!"]
ADDRESSES = ["192.0.2.1", "192.0.2.200", "198.51.100.7", "2001:db8::1", "::ffff:192.0.2.1", "nowhere"]
NETWORKS = ["192.0.2.0/25", "192.0.2.1", "0.0.0.0/0", "2001:db8::/32", "198.51.100.7/31", "::/0"]
ARNS = [f"arn:aws:iam::{A}:role/job", f"arn:aws:iam::{B}:role/job", f"arn:aws:iam::{A}:role/team/job", "arn:aws:s3:::b:c",
        "no arn"]
TYPED = {
    "Numeric": (["cloister:EvidenceAgeSeconds", "s3:max-keys", "cloister:TcbVersion/microcode"], NUMBERS),
    "Date": (["aws:CurrentTime", "aws:TokenIssueTime"], DATES),
    "Bool": (["cloister:Debug", "aws:SecureTransport", "cloister:SecureBoot"], BOOLS),
    "Binary": (["kms:Blob", "cloister:PlatformId"], BINARIES),
    "Ip": (["aws:SourceIp", "aws:VpcSourceIp"], ADDRESSES),
    "Arn": (["aws:PrincipalArn", "aws:SourceArn", "cloister:OutputKey", "cloister:JobOwner"], ARNS),
}
FAMILY = {}
for prefix in ("", "Not"):
    FAMILY.update({f"String{prefix}Equals": "String", f"String{prefix}EqualsIgnoreCase": "String",
                   f"String{prefix}Like": "String", f"Arn{prefix}Equals": "Arn", f"Arn{prefix}Like": "Arn",
                   f"Numeric{prefix}Equals": "Numeric", f"Date{prefix}Equals": "Date"})
for kind in ("Numeric", "Date"):
    for order in ("LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"):
        FAMILY[kind + order] = kind
FAMILY.update({"Bool": "Bool", "BinaryEquals": "Binary", "IpAddress": "Ip", "NotIpAddress": "Ip", "Null": "Null"})

VARIABLES = ["${aws:username}", "${aws:PrincipalTag/team, 'red'}", "${cloister:Purpose}", "${cloister:Purpose, 'research'}",
             "${aws:missing}", "${aws:missing, 'ann'}", "${*}", "${?}", "${$}", "${aws:TagKeys}",
             "${cloister:HyperParameter/lr}"]


def good(values, check):
    out = []
    for v in values:
        try:
            check(v)
            out.append(v)
        except (ValueError, KeyError):
            pass
    return out


GOOD = {
    "Numeric": good(NUMBERS, policy_model.number),
    "Date": good(DATES, policy_model.date),
    "Bool": ["true", "false"],
    "Binary": good(BINARIES, policy_model.binary),
    "Ip": NETWORKS,
}


class Maker:
    def __init__(self, rng):
        self.rng = rng

    def some(self, items, most=3):
        found = self.rng.sample(items, self.rng.randint(1, min(most, len(items))))
        return found[0] if len(found) == 1 and self.rng.random() < 0.6 else found

    def text_value(self, operator, key):
        rng = self.rng
        value = rng.choice(TEXTS.get(key, ["x", "y"]))
        if key == "cloister:Insecure" and rng.random() < 0.5:
            return value
        if rng.random() < 0.2:
            value = rng.choice(VARIABLES)
        elif rng.random() < 0.1:
            value = rng.choice(["", "r"]) + rng.choice(VARIABLES) + rng.choice(["", "d", "*"])
        if "Like" in operator and rng.random() < 0.4:
            value = rng.choice(["*", "?" * max(1, len(value)), value[:1] + "*", "*" + value[-1:], value + "?", "*?*"])
        return value

    def arn_value(self):
        rng = self.rng
        if rng.random() < 0.2:
            return rng.choice(["*", "arn:aws:iam::*:role/*", "arn:*:*:*:*:*", "arn:aws:iam::*:role/???",
                               f"arn:aws:iam::{A}:role/${{aws:username}}", "${aws:PrincipalArn}", "arn:aws:s3:::b*"])
        return rng.choice(ARNS[:-1])

    def condition(self):
        rng = self.rng
        base = rng.choice(list(FAMILY))
        family = FAMILY[base]
        operator = base
        if family == "Null":
            key = rng.choice(list(TEXTS) + ["cloister:Debug", "aws:SourceIp"])
            return operator, key, rng.choice(["true", "false", True, ["true", "false"]])
        if rng.random() < 0.25:
            operator += "IfExists"
        operator = rng.choice(["", "", "", "ForAnyValue:", "ForAllValues:"]) + operator
        if family == "String":
            key = rng.choice(list(TEXTS))
            return operator, key, self.several(lambda: self.text_value(base, key))
        if family == "Arn":
            return operator, rng.choice(TYPED["Arn"][0]), self.several(self.arn_value)
        return operator, rng.choice(TYPED[family][0]), self.several(lambda: rng.choice(GOOD[family]))

    def several(self, make):
        values = [make() for _ in range(self.rng.choice([1, 1, 1, 2, 3]))]
        return values[0] if len(values) == 1 and self.rng.random() < 0.5 else values

    def principal(self):
        rng = self.rng
        return rng.choice([
            "*", {"AWS": "*"}, {"AWS": A}, {"AWS": [A, B]}, {"AWS": f"arn:aws:iam::{B}:root"},
            {"AWS": [f"arn:aws:iam::{A}:user/ann", f"arn:aws:iam::{A}:root"]},
            {"AWS": f"arn:aws:iam::{A}:role/job"}, {"AWS": f"arn:aws:sts::{A}:assumed-role/job/s1"},
            {"AWS": [B, f"arn:aws:iam::{A}:role/job"]}, {"Service": "sagemaker.amazonaws.com"},
            {"Service": ["sagemaker.amazonaws.com", "kms.amazonaws.com"], "AWS": f"arn:aws:iam::{B}:user/bob"},
            {"Federated": "accounts.example.com"},
        ])

    def statement(self, resource_policy):
        rng = self.rng
        s = {"Effect": rng.choice(["Allow", "Allow", "Allow", "Deny"])}
        if resource_policy:
            negated = s["Effect"] == "Deny" and rng.random() < 0.3
            s["NotPrincipal" if negated else "Principal"] = self.principal()
        s["Action" if rng.random() < 0.85 else "NotAction"] = self.some(
            ["*", "kms:*", "kms:*", "kms:Decrypt", "KMS:decrypt", "kms:De*t", "s3:GetObject", "kms:?ncrypt", "kms:Encrypt"])
        s["Resource" if rng.random() < 0.85 else "NotResource"] = self.some(
            ["*", "arn:aws:kms:r:*", f"arn:aws:kms:r:{B}:key/k1", f"arn:aws:kms:r:{A}:key/*", "arn:aws:kms:*", "arn:aws:kms:r:*:key/k?",
             f"arn:aws:kms:r:{A}:key/${{aws:username}}", f"arn:aws:kms:r:{A}:key/${{cloister:Purpose, 'k1'}}",
             "arn:aws:s3:::b/*"], 2)
        if rng.random() < 0.6:
            condition = {}
            for _ in range(rng.choice([1, 1, 2, 3])):
                operator, key, values = self.condition()
                condition.setdefault(operator, {})[key] = values
            s["Condition"] = condition
        return s

    def policy(self, resource_policy=False):
        count = self.rng.choice([1, 1, 2, 3])
        found = [self.statement(resource_policy) for _ in range(count)]
        return {"Version": "2012-10-17", "Statement": found[0] if count == 1 else found}

    def context(self):
        rng = self.rng
        out = {}
        density = rng.choice([0.2, 0.6, 0.9])
        keys = {k: v for k, v in TEXTS.items() if not k.startswith("kms:")}
        for names, values in TYPED.values():
            keys.update({name: values for name in names})
        for key, values in keys.items():
            if rng.random() < density:
                count = rng.randint(0, 3) if key in MULTI else 1
                out[key] = [rng.choice(values) for _ in range(count)]
        if rng.random() < 0.8:
            out["cloister:Tee"] = [rng.choice(["sim", "snp"])]
        return out

    def caller(self):
        account = self.rng.choice([A, A, B])
        return self.rng.choice([
            {"as": "user", "account": A, "arn": f"arn:aws:iam::{A}:user/ann"},
            {"as": "user", "account": B, "arn": f"arn:aws:iam::{B}:user/bob"},
            {"as": "session", "account": A, "arn": f"arn:aws:sts::{A}:assumed-role/job/s1",
             "role": f"arn:aws:iam::{A}:role/job"},
            {"as": "session", "account": B, "arn": f"arn:aws:sts::{B}:assumed-role/job/s1",
             "role": f"arn:aws:iam::{B}:role/job"},
            {"as": "root", "account": account, "arn": f"arn:aws:iam::{account}:root"},
            {"as": "service", "arn": "sagemaker.amazonaws.com"},
            {"as": "anonymous"},
        ])

    def case(self, number):
        rng = self.rng
        owner = rng.choice([A, A, B])
        case = {"name": f"random {number}", **self.caller(), "action": rng.choice(["kms:Decrypt", "kms:Encrypt"]),
                "owner": owner, "release": rng.random() < 0.4, "context": self.context(),
                "kind": rng.choice(["none", "sufficient", "required", "required"])}
        case["resource"] = f"arn:aws:kms:r:{owner}:key/" + rng.choice(["k1", "ann", "research"])
        if rng.random() < 0.8:
            case["identity"] = [self.policy() for _ in range(rng.choice([1, 1, 2]))]
        if rng.random() < 0.2:
            case["boundary"] = self.policy()
        if rng.random() < 0.2:
            case["session"] = self.policy()
        if rng.random() < 0.85:
            case["policy"] = self.policy(resource_policy=True)
        return case


def main():
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 20000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    maker = Maker(random.Random(seed))
    cases = [maker.case(i) for i in range(count)]
    text = "".join(json.dumps(c) + "\n" for c in cases)
    lines = subprocess.run([program], input=text, capture_output=True, text=True, check=True).stdout.splitlines()
    if len(lines) != count:
        sys.exit(f"{count} cases were asked and {len(lines)} answered")
    seen, differ = collections.Counter(), 0
    for case, line in zip(cases, lines):
        got, _, sentence = line.partition("\t")
        expected = policy_model.evaluate(case)
        seen[expected] += 1
        if got != expected:
            differ += 1
            if differ <= 5:
                print(f"model {expected}, src/iam {got} ({sentence}):\n{json.dumps(case)}\n")
    print(f"{count} cases, seed {seed}: {differ} disagreements; {dict(seen)}")
    # A generator that never reaches an answer would prove nothing about it.
    rare = [r for r in ("allowed", "explicit-deny", "no-identity-allow", "no-resource-allow", "boundary",
                        "session-policy", "no-tee") if seen[r] < count // 500]
    if rare:
        sys.exit(f"too few cases with {rare}")
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
