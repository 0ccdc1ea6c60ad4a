#!/usr/bin/env python3
"""What a program needs to be compiled with, or linked with, against the modules that this package's last build has left.

    build_flags.py FOLDER CONFIGURATION compile     import paths and module maps, one flag a line
    build_flags.py FOLDER CONFIGURATION link        libraries, and the list of the objects of BiloxiKit and all it needs

They are those of the examples, which need what a program of one's own needs. FOLDER is .build.
"""

import json
import pathlib
import re
import sys


def arguments(manifest, kind):
    """The arguments of the command that compiles or links the examples."""
    step = re.search(rf'^  "C\.biloxi-examples-[^"]*\.{kind}":\n(.*?)^$', manifest, re.M | re.S)
    if step is None:
        sys.exit("build_flags.py: no biloxi-examples in the last build: build all of the package first")
    return json.loads(re.search(r"^    args: (\[.*\])$", step[1], re.M)[1])


def compiling(given):
    """Where modules are found."""
    flags, i = [], 0
    while i < len(given):
        if given[i] == "-I":
            flags += given[i : i + 2]
            i += 1
        elif given[i].startswith("-I"):
            flags.append(given[i])
        elif given[i] == "-Xcc" and given[i + 1].startswith("-fmodule-map-file="):
            flags += given[i : i + 2]
            i += 1
        elif given[i] == "-Xcc" and given[i + 1] == "-I":
            flags += given[i : i + 4]
            i += 3
        i += 1
    return flags


def linking(given):
    """Libraries, and the objects of all modules but the examples' own, as a response file takes them."""
    flags = [flag for flag in given if re.match(r"-l|-L.", flag)]
    path = next(flag[1:] for flag in given if flag.startswith("@"))
    objects = pathlib.Path(path).read_text().split("\n")
    return flags + [line for line in objects if line and "/biloxi_examples.build/" not in line]


folder, configuration, what = sys.argv[1:]
manifest = pathlib.Path(folder, f"{configuration}.yaml").read_text()
if what == "compile":
    print("\n".join(compiling(arguments(manifest, "module"))))
else:
    print("\n".join(linking(arguments(manifest, "exe"))))
