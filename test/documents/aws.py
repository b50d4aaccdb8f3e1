# Checks commands of the AWS CLI with botocore: services, operations, waiters and parameters. Reads a line for each
# command, with its words separated by U+001F, and prints a line for each problem.
import sys

import botocore.session
from botocore import xform_name

session = botocore.session.get_session()
# Commands that only the AWS CLI has, with their options.
ofS3 = {"mb": set(), "rb": {"--force"}, "rm": {"--recursive"}, "cp": {"--recursive"}, "sync": set()}
ofCli = {"--region", "--profile", "--query", "--output", "--no-cli-pager"}

def shapeOf(service, name, operation):
    if name == "wait":
        waiters = session.get_waiter_model(service)
        name = {xform_name(waiter, "-"): waiters.get_waiter(waiter).operation for waiter in waiters.waiter_names}[operation]
        return session.get_service_model(service).operation_model(name).input_shape
    model = session.get_service_model(service)
    return model.operation_model({xform_name(each, "-"): each for each in model.operation_names}[name]).input_shape

def problems(words):
    service, name, *rest = words
    options = {word for word in rest if word.startswith("--")} - ofCli
    if service == "s3":
        return [] if name in ofS3 and options <= ofS3[name] else ["unknown"]
    try:
        shape = shapeOf(service, name, rest[0] if rest else "")
    except Exception as error:
        return [f"{type(error).__name__}: {str(error)[:100]}"]
    members = {"--" + xform_name(member, "-"): member for member in (shape.members if shape else {})}
    missing = [option for option, member in members.items() if member in shape.required_members and option not in options]
    return [f"no parameter {option}" for option in options - set(members)] + [f"needs {option}" for option in missing]

for line in sys.stdin:
    words = line.rstrip("\n").rstrip("\x1f").split("\x1f")
    for problem in problems(words):
        print(" ".join(words) + ": " + problem)
