"""What an editor does with files and commands, in one folder and never outside of it."""

import fnmatch
import json
import os
import subprocess


class Executor:
    def __init__(self, folder):
        self.folder = os.path.realpath(folder)

    def carry_out(self, kind, action):
        """Text and error of an action."""
        try:
            return getattr(self, kind)(action)
        except OSError as fault:
            return "", f"{type(fault).__name__}: {fault.strerror or fault}"

    def place(self, path):
        place = os.path.realpath(os.path.join(self.folder, path))
        if place != self.folder and not place.startswith(self.folder + os.sep):
            raise PermissionError(1, "outside of the folder")
        return place

    def read(self, path):
        with open(self.place(path), "rb") as file:
            return file.read().decode(errors="replace")

    def write(self, path, text):
        with open(self.place(path), "w") as file:
            file.write(text)

    def runReadFile(self, action):
        text = self.read(action.filepath)
        if action.HasField("limit"):
            lines = text.splitlines(keepends=True)
            text = "".join(lines[action.offset:action.offset + action.limit])
        return text, ""

    def runReadFiles(self, action):
        found = {}
        for path in action.filepaths:
            try:
                found[path] = {"content": self.read(path)}
            except OSError as fault:
                found[path] = {"error": fault.strerror}
        return json.dumps(found), ""

    def runWriteFile(self, action):
        self.write(action.filepath, action.contents)
        return "File written", ""

    def runEditFile(self, action):
        text = self.read(action.filepath)
        if text.count(action.oldString) != 1:
            return "", "the piece does not stand in the file once"
        self.write(action.filepath, text.replace(action.oldString, action.newString))
        return "File edited", ""

    def mkdir(self, action):
        os.makedirs(self.place(action.directory_path), exist_ok=True)
        return "Folder created", ""

    def listDirectory(self, action):
        place = self.place(action.directory)
        names = sorted(os.listdir(place))
        return "\n".join(name + "/" * os.path.isdir(os.path.join(place, name)) for name in names), ""

    def findFiles(self, action):
        found = []
        for folder, _, names in os.walk(self.folder):
            for name in fnmatch.filter(names, action.name_pattern):
                found.append(os.path.relpath(os.path.join(folder, name), self.folder))
        return "\n".join(sorted(found)), ""

    def grep(self, action):
        words = [part for word in action.pattern.split(",") for part in ("-e", word.strip())]
        case = ["-i"] if action.case_insensitive else []
        self.place(action.search_directory)
        return self.run(["git", "grep", "--untracked", "-n", "-F", *case, *words, "--",
                         action.search_directory])

    def runCommand(self, action):
        return self.run([action.program, *action.flags, *action.arguments], action.timeout)

    def runShellCommand(self, action):
        return self.run(["sh", "-c", action.command], action.timeout)

    def run(self, command, seconds=0):
        environment = {"PATH": os.environ["PATH"], "HOME": self.folder,
                       "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                command, cwd=self.folder, env=environment, timeout=seconds or 20,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except subprocess.TimeoutExpired as late:
            return (late.output or b"").decode(errors="replace"), "command timed out"
        text = done.stdout.decode(errors="replace")
        return text, f"exit status {done.returncode}" if done.returncode else ""
