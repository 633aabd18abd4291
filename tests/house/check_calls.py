"""The rooms of the library never print and never end the process: check_calls.py OBJECT…
What an object refers to is all it can call, so the undefined symbols tell."""
import os
import sys

import house

# Whoever ends the process or writes where the game server's own words go. Exceptions would be listed here with their
# reason: std::terminate is not looked for, because every `noexcept` and every std::thread may refer to it and no code
# of ours calls it; libcrypto's and libstdc++'s own objects are not ours.
BANNED = {
    "abort", "exit", "_exit", "_Exit", "quick_exit", "__assert_fail", "__assert", "raise", "__chk_fail",
    "printf", "vprintf", "puts", "putchar", "putc", "__printf_chk", "__vprintf_chk",
    "fprintf", "vfprintf", "__fprintf_chk", "__vfprintf_chk", "fputs", "fputc", "fwrite", "dprintf", "vdprintf",
    "perror", "psignal", "stdout", "stderr", "stdin", "syslog", "vsyslog", "err", "errx", "warn", "warnx",
    "_ZSt4cout", "_ZSt4cerr", "_ZSt4clog", "_ZSt5wcout", "_ZSt5wcerr", "_ZSt5wclog", "_ZSt3cin",
    "_ZNSt8ios_base4InitC1Ev", "_ZSt21ios_base_library_initv",
    # A library leaves signals and the process's own directory, user and locale alone.
    "signal", "sigaction", "chdir", "fchdir", "setlocale", "setenv", "putenv", "unsetenv", "umask", "setuid", "setgid",
    "system", "popen",
}
problems = []
for path in sys.argv[1:]:
    for line in house.run(os.environ.get("OKG_NM", "nm"), "-u", path).splitlines():
        name = line.split()[-1].split("@")[0]
        if name in BANNED:
            problems.append(f"{os.path.relpath(path)}: refers to {name}")
house.end(problems, len(sys.argv) - 1)
