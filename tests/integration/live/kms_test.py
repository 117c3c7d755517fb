#!/usr/bin/python3
"""boto3 and aws-cli against a running Cloister: KMS, IAM, STS. Usage: kms_test.py CLOISTERD. Speaks TAP."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
import ssl

sys.path.insert(0, os.path.dirname(__file__))
from instance import Instance, Report  # noqa: E402

t = Report()
scratch = tempfile.TemporaryDirectory()


def keys(i):
    kms = i.client("kms", "hospital")
    made = kms.create_key(Description="rows")["KeyMetadata"]
    key = made["KeyId"]
    t.check("a key is made", made["KeyState"] == "Enabled" and made["Arn"].endswith(f":key/{key}"), made)
    t.same("it is described", kms.describe_key(KeyId=key)["KeyMetadata"]["Description"], "rows")
    t.check("it is listed", key in [k["KeyId"] for k in kms.list_keys()["Keys"]])
    kms.create_alias(AliasName="alias/rows", TargetKeyId=key)
    t.check("it has an alias", "alias/rows" in [a["AliasName"] for a in kms.list_aliases()["Aliases"]])
    context = {"patient": "7"}
    data = kms.generate_data_key(KeyId="alias/rows", KeySpec="AES_256", EncryptionContext=context)
    back = kms.decrypt(CiphertextBlob=data["CiphertextBlob"], EncryptionContext=context)
    t.check("a data key comes back", back["Plaintext"] == data["Plaintext"] and len(back["Plaintext"]) == 32)
    t.refused("not in another context", "InvalidCiphertextException", kms.decrypt,
              CiphertextBlob=data["CiphertextBlob"], EncryptionContext={"patient": "8"})
    altered = bytearray(data["CiphertextBlob"])
    altered[-1] ^= 1
    t.refused("not altered", "InvalidCiphertextException", kms.decrypt, CiphertextBlob=bytes(altered),
              EncryptionContext=context)
    sealed = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    t.same("4 KiB and less are encrypted", kms.decrypt(CiphertextBlob=sealed)["Plaintext"], b"secret")
    other = i.client("kms", "bank")
    t.refused("another account decrypts nothing", "AccessDeniedException", other.decrypt, CiphertextBlob=sealed)
    t.refused("nor describes the key", "AccessDeniedException", other.describe_key, KeyId=made["Arn"])
    t.refused("nor does the operator", "AccessDeniedException", i.client("kms", i.operator).decrypt, CiphertextBlob=sealed)
    kms.disable_key(KeyId=key)
    t.refused("a disabled key does nothing", "DisabledException", kms.decrypt, CiphertextBlob=sealed)
    kms.enable_key(KeyId=key)
    t.same("until it is enabled", kms.decrypt(CiphertextBlob=sealed)["Plaintext"], b"secret")
    policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    t.check("it has a policy", policy["Statement"][0]["Effect"] == "Allow", policy)
    policy["Statement"].append({"Effect": "Allow", "Principal": {"AWS": i.account["bank"]["arn"]},
                                "Action": "kms:Decrypt", "Resource": "*"})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))
    t.same("with both sides' leave another account may", other.decrypt(CiphertextBlob=sealed)["Plaintext"], b"secret")


def identities(i):
    iam, sts = i.client("iam", "lab"), i.client("sts", "lab")
    t.same("who am I", sts.get_caller_identity()["Arn"], i.account["lab"]["arn"])
    iam.create_user(UserName="ada")
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    ada = {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}
    t.check("a user has a name of its own", i.client("sts", ada).get_caller_identity()["Arn"].endswith(":user/ada"))
    t.refused("and no rights yet", "AccessDeniedException", i.client("kms", ada).list_keys)
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"}]}
    iam.put_user_policy(UserName="ada", PolicyName="list", PolicyDocument=json.dumps(allow))
    t.check("until a policy gives some", "Keys" in i.client("kms", ada).list_keys())
    t.refused("and only those", "AccessDeniedException", i.client("kms", ada).create_key)
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": i.account["lab"]["arn"]}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="trainer", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    iam.put_role_policy(RoleName="trainer", PolicyName="list", PolicyDocument=json.dumps(allow))
    out = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="s1")["Credentials"]
    session = {"access_key": out["AccessKeyId"], "secret_key": out["SecretAccessKey"], "token": out["SessionToken"]}
    t.check("a role is assumed", ":assumed-role/trainer/s1" in i.client("sts", session).get_caller_identity()["Arn"])
    t.check("and may what it may", "Keys" in i.client("kms", session).list_keys())
    t.refused("and no more", "AccessDeniedException", i.client("kms", session).create_key)
    t.refused("a role of another account", "AccessDenied", i.client("sts", "bank").assume_role, RoleArn=role["Arn"],
              RoleSessionName="s2")
    iam.update_access_key(UserName="ada", AccessKeyId=ada["access_key"], Status="Inactive")
    try:
        i.client("sts", ada).get_caller_identity()
        t.check("an inactive key is refused", False)
    except Exception as error:
        t.check("an inactive key is refused", "InvalidClientTokenId" in str(error), error)


def tools(i):
    env = {"PATH": "/usr/bin:/bin", "HOME": scratch.name, "AWS_ACCESS_KEY_ID": i.account["hospital"]["access_key"],
           "AWS_SECRET_ACCESS_KEY": i.account["hospital"]["secret_key"], "AWS_DEFAULT_REGION": i.region,
           "AWS_CA_BUNDLE": i.ca, "AWS_EC2_METADATA_DISABLED": "true"}
    for command in (["sts", "get-caller-identity"], ["kms", "list-keys"], ["iam", "list-users"],
                    ["kms", "generate-data-key", "--key-id", "alias/rows", "--key-spec", "AES_256"]):
        done = subprocess.run(["/usr/bin/aws", "--endpoint-url", i.endpoint, *command], env=env, capture_output=True,
                              text=True)
        t.check("aws " + " ".join(command[:2]), done.returncode == 0, done.stderr)
    context = ssl.create_default_context(cafile=i.ca)
    checkpoint = urllib.request.urlopen(i.endpoint + "/-/log/checkpoint", context=context).read().decode()
    t.check("the log has a signed checkpoint of all this", int(checkpoint.split("\n")[1]) > 20 and "\n\n\u2014 " in checkpoint,
            checkpoint)


with Instance(sys.argv[1], os.path.join(scratch.name, "log")) as instance:
    for group in (keys, identities, tools):
        try:
            group(instance)
        except Exception as error:  # one broken group must not hide the others
            t.check(f"{group.__name__} goes through", False, repr(error))
if not all(t.good):
    print("# " + open(os.path.join(scratch.name, "log")).read()[-3000:].replace("\n", "\n# "))
t.end()
