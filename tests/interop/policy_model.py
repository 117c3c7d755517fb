"""A second evaluator of the policy language, written from docs/protocol/policy.md and sharing nothing with src/iam.

evaluate(case) takes a case in the form of tests/lib/policy_case.h, as a dict, and gives the reason's name. Policies are
taken to be well-formed: what the parser refuses is the business of tests/vectors/policy.
"""

import base64
import datetime
import decimal
import ipaddress
import re

TOP, BOTTOM, FOG, CLAIM_FOG = "yes", "no", "fog", "claim-fog"

CLAIMS = {
    "backend", "codedigest", "debug", "egresspolicy", "entrypoint", "evidenceageseconds", "gpu", "imagedigest",
    "inputdigests", "inputowners", "insecure", "jobowner", "logbytebudget", "manifestdigest", "measurement",
    "memoryencrypted", "outputkey", "placement", "platformid", "purpose", "secureboot", "smtenabled", "tcbstatus",
    "tcbversion", "tee",
}


def fold(text):
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def canonical(key):
    """(canonical name, whether it is a claim)"""
    service, _, rest = key.partition(":")
    if fold(service) == "cloister":
        head, slash, tail = rest.partition("/")
        if fold(head) in ("hyperparameter", "environment"):
            return "cloister:" + fold(head) + slash + tail, True
        name = fold(rest)
        is_claim = name.split("/")[0] in CLAIMS or re.fullmatch(r"pcr\d+", name) is not None
        return "cloister:" + name, is_claim
    low = fold(key)
    found = re.fullmatch(r"kms:recipientattestation:pcr(\d+)", low)
    if found:
        return "cloister:pcr" + found.group(1), True
    if low == "kms:recipientattestation:imagesha384":
        return "cloister:measurement", True
    return low, False


class View:
    """What one statement sees of the request."""

    def __init__(self, case, allow):
        self.context = {canonical(k)[0]: v for k, v in case.get("context", {}).items() if v}
        self.allow = allow
        self.release = bool(case.get("release"))


class Unknown(Exception):
    def __init__(self, claim):
        super().__init__()
        self.claim = claim


VARIABLE = re.compile(r"\$\{([^}]*)\}")


def pieces(text, wildcards, variables, view):
    """A regular expression for a text. Raises Unknown for a variable without a value."""
    out, at = [], 0

    def plain(part):
        for c in part:
            if wildcards and c == "*":
                out.append("(?:.|\n)*")
            elif wildcards and c == "?":
                out.append("(?:.|\n)")
            else:
                out.append(re.escape(c))

    for found in VARIABLE.finditer(text) if variables else ():
        plain(text[at:found.start()])
        at = found.end()
        inner = found.group(1)
        if inner in ("*", "?", "$"):
            out.append(re.escape(inner))
            continue
        name, comma, default = inner.partition(",")
        key, claim = canonical(name.strip())
        values = view.context.get(key, [])
        if len(values) == 1:
            out.append(re.escape(values[0]))
        elif not values and comma and not (claim and (view.allow or view.release)):
            out.append(re.escape(default.strip()[1:-1]))
        else:
            raise Unknown(claim)
    plain(text[at:])
    return "".join(out)


def text_is(pattern, subject, view, wildcards=True, variables=True, ignore_case=False):
    try:
        expression = pieces(pattern, wildcards, variables, view)
    except Unknown as unknown:
        return CLAIM_FOG if unknown.claim else FOG
    flags = re.ASCII | (re.IGNORECASE if ignore_case else 0)
    return TOP if re.fullmatch(expression, subject, flags) else BOTTOM


def arn_is(pattern, subject, view, claim):
    if not subject.startswith("arn:") or subject.count(":") < 5:
        return CLAIM_FOG if claim else FOG
    try:
        # Split after the variables stand for their values; a NUL marks what a ':' inside an escape can not be.
        expression = pieces(pattern, True, True, view)
    except Unknown as unknown:
        return CLAIM_FOG if unknown.claim else FOG
    if expression == "(?:.|\n)*":
        return TOP
    protected = expression.replace("(?:.|\n)*", "\0").replace("(?:.|\n)", "\1")
    parts = protected.split(":", 5)
    if len(parts) < 6:
        return BOTTOM
    for expected, got in zip(parts, subject.split(":", 5)):
        expected = expected.replace("\0", "(?:.|\n)*").replace("\1", "(?:.|\n)")
        if not re.fullmatch(expected, got):
            return BOTTOM
    return TOP


def number(text):
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) or len(text) > 40:
        raise ValueError(text)
    return decimal.Decimal(text)


def date(text):
    if re.fullmatch(r"0|[1-9][0-9]*", text):
        return decimal.Decimal(text)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        text += "T00:00:00Z"
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{3})?Z", text)
    if not found:
        raise ValueError(text)
    when = datetime.datetime.strptime(found.group(1), "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    return decimal.Decimal(int(when.timestamp())) + decimal.Decimal(found.group(2) or 0)


def boolean(text):
    return {"true": True, "false": False}[text]


def binary(text):
    return base64.b64decode(text, validate=True)


def address(text):
    found = ipaddress.ip_address(text)
    return getattr(found, "ipv4_mapped", None) or found


ORDERS = {
    "Equals": lambda a, b: a == b,
    "LessThan": lambda a, b: a < b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanEquals": lambda a, b: a >= b,
}


def compare(base, want, got, view, claim):
    """The positive comparison `base` of one policy value with one request value."""
    want = {True: "true", False: "false"}.get(want, want) if isinstance(want, bool) else str(want)
    if base in ("StringEquals", "StringEqualsIgnoreCase"):
        return text_is(want, got, view, wildcards=False, ignore_case=base.endswith("Case"))
    if base == "StringLike":
        return text_is(want, got, view)
    if base in ("ArnEquals", "ArnLike"):
        return arn_is(want, got, view, claim)
    fog = CLAIM_FOG if claim else FOG
    try:
        if base.startswith("Numeric"):
            holds = ORDERS[base[7:]](number(got), number(want))
        elif base.startswith("Date"):
            holds = ORDERS[base[4:]](date(got), date(want))
        elif base == "Bool":
            holds = boolean(got) == boolean(want)
        elif base == "BinaryEquals":
            holds = binary(got) == binary(want)
        else:
            network = ipaddress.ip_network(want, strict=False)
            mine = address(got)
            holds = mine.version == network.version and mine in network
    except (ValueError, KeyError):
        return fog
    return TOP if holds else BOTTOM


NEGATED = {
    "StringNotEquals": "StringEquals", "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike", "NumericNotEquals": "NumericEquals", "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress", "ArnNotEquals": "ArnEquals", "ArnNotLike": "ArnLike",
}


def as_list(x):
    return x if isinstance(x, list) else [x]


def one_holds(base, negated, wanted, got, view, claim):
    answers = {compare(base, want, got, view, claim) for want in wanted}
    if TOP in answers:
        return not negated
    if CLAIM_FOG in answers:
        return False if view.allow else (negated or view.release)
    if FOG in answers:
        return False if view.allow else negated
    return negated


def condition_holds(operator, key, wanted, view):
    quantifier, _, base = operator.rpartition(":")
    name, claim = canonical(key)
    got = view.context.get(name, [])
    wanted = as_list(wanted)
    if base == "Null":
        return any((w in (True, "true")) == (not got) for w in wanted)
    if_exists = base.endswith("IfExists")
    base = base[:-8] if if_exists else base
    negated = base in NEGATED
    base = NEGATED.get(base, base)
    if not got:
        if claim and view.allow:
            return False
        if claim and view.release:
            return True
        if if_exists or quantifier == "ForAllValues":
            return True
        return negated and quantifier != "ForAnyValue"
    if quantifier == "ForAllValues":
        return all(one_holds(base, negated, wanted, g, view, claim) for g in got if g or view.allow)
    found = [one_holds(base, negated, wanted, g, view, claim) for g in got]
    if quantifier == "ForAnyValue" or not view.allow:
        return any(found)
    return all(found)


def body_applies(statement, case, view):
    action, resource = case["action"], case.get("resource", "*")
    if "Action" in statement:
        if not any(text_is(a, action, view, variables=False, ignore_case=True) == TOP
                   for a in as_list(statement["Action"])):
            return False
    elif any(text_is(a, action, view, variables=False, ignore_case=True) == TOP
             for a in as_list(statement["NotAction"])):
        return False
    listed = statement.get("Resource", statement.get("NotResource"))
    if listed is not None:
        negated = "NotResource" in statement
        answers = {text_is(r, resource, view) for r in as_list(listed)}
        if TOP in answers:
            applies = not negated
        elif CLAIM_FOG in answers:
            applies = not view.allow and (negated or view.release)
        elif FOG in answers:
            applies = not view.allow and negated
        else:
            applies = negated
        if not applies:
            return False
    return all(condition_holds(op, key, wanted, view)
               for op, keys in statement.get("Condition", {}).items() for key, wanted in keys.items())


NONE, ACCOUNT, ANY, ROLE, EXACT = range(5)


def relation(statement, case):
    negated = "NotPrincipal" in statement
    element = statement["NotPrincipal" if negated else "Principal"]
    kind, account, arn = case["as"], case.get("account", ""), case.get("arn", "")
    best = NONE
    listed = {"AWS": ["*"]} if element == "*" else element
    for entry in as_list(listed.get("AWS", [])):
        root = re.fullmatch(r"(?:arn:[^:]+:iam::)?(\d{12})(?::root)?", entry)
        if entry == "*":
            best = max(best, ANY)
        elif root and account == root.group(1):
            best = max(best, EXACT if kind == "root" else ACCOUNT)
        elif account and entry == arn:
            best = max(best, EXACT)
        elif account and kind == "session" and entry == case.get("role"):
            best = max(best, ROLE)
    if kind == "service" and arn in as_list(listed.get("Service", [])):
        best = EXACT
    if negated:
        return NONE if best > ACCOUNT else ANY
    return best


def names(statement, key, value):
    for operator, keys in statement.get("Condition", {}).items():
        base = operator.rpartition(":")[2]
        base = base[:-8] if base.endswith("IfExists") else base
        if base not in ("StringEquals", "StringEqualsIgnoreCase", "StringLike", "Bool"):
            continue
        for name, wanted in keys.items():
            if canonical(name)[0] != key:
                continue
            for want in as_list(wanted):
                want = {True: "true", False: "false"}[want] if isinstance(want, bool) else str(want)
                wild = base == "StringLike" and ("*" in want or "?" in want)
                if want == value and not wild and "${" not in want:
                    return True
    return False


def names_dangers(statement, view):
    dangers = [("cloister:tee", v) for v in view.context.get("cloister:tee", []) if fold(v) == "sim"]
    dangers += [("cloister:debug", v) for v in view.context.get("cloister:debug", []) if v != "false"]
    dangers += [("cloister:tcbstatus", v) for v in view.context.get("cloister:tcbstatus", []) if v != "UpToDate"]
    dangers += [("cloister:insecure", v) for v in view.context.get("cloister:insecure", [])]
    return all(names(statement, key, value) for key, value in dangers)


def statements(policy):
    return as_list(policy["Statement"]) if policy else []


def evaluate(case):
    release = bool(case.get("release"))
    kind = case.get("kind", "none")
    denied = False

    def scan(policy, must_name):
        nonlocal denied
        allowed = False
        for s in statements(policy):
            view = View(case, s["Effect"] == "Allow")
            if body_applies(s, case, view):
                if not view.allow:
                    denied = True
                elif not (release and must_name) or names_dangers(s, view):
                    allowed = True
        return allowed

    best = set()
    for s in statements(case.get("policy")):
        view = View(case, s["Effect"] == "Allow")
        how = relation(s, case)
        if how == NONE or not body_applies(s, case, view):
            continue
        if not view.allow:
            denied = True
        elif not release or names_dangers(s, view):
            best.add(how)
    # Not a generator: every policy is looked at, for its denials.
    identity = any([scan(p, kind != "required") for p in case.get("identity", [])])
    boundary = scan(case["boundary"], False) if "boundary" in case else True
    session = scan(case["session"], False) if "session" in case else True

    if denied:
        return "explicit-deny"
    if release and len(View(case, True).context.get("cloister:tee", [])) != 1:
        return "no-tee"

    def own_side():
        if case["as"] != "root" and not identity:
            return "no-identity-allow"
        if not boundary:
            return "boundary"
        return "allowed" if session else "session-policy"

    if not case.get("account"):
        return "allowed" if (EXACT if case["as"] == "service" else ANY) in best else "no-resource-allow"
    if case["account"] != case.get("owner"):
        return own_side() if best else "no-resource-allow"
    if EXACT in best or ((ROLE in best or ANY in best) and boundary and session):
        return "allowed"
    if kind == "required" and not best:
        return "no-resource-allow"
    return own_side()
