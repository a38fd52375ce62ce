"""extract_wheel.py ARCHIVE PATTERN FOLDER: unpacks the members that match, without the prefix in group 1."""

import pathlib
import re
import shutil
import sys
import zipfile

archive, pattern, folder = sys.argv[1:]
target = pathlib.Path(folder).resolve()
found = 0
with zipfile.ZipFile(archive) as members:
    for member in members.infolist():
        match = re.fullmatch(pattern, member.filename)
        if match is None or member.is_dir():
            continue
        place = (target / member.filename[len(match.group(1) or "") :]).resolve()
        if target not in place.parents:
            sys.exit(f"{archive}: {member.filename} would leave {folder}")
        place.parent.mkdir(parents=True, exist_ok=True)
        with members.open(member) as source, open(place, "wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
        found += 1
if found == 0:
    sys.exit(f"{archive}: nothing matches {pattern}")
