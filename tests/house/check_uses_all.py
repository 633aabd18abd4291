"""uses_all.c calls every function of okg.h."""
import re

import declared
import house

calls = set(re.findall(r"\b(okg_\w+)\s*\(", house.read("tests/house/uses_all.c") + house.read("tests/house/uses_hot.h") +
                       house.read("tests/house/uses_controller.h")))
functions = declared.functions()
house.end([f"uses_all.c does not call {name}" for name in functions if name not in calls], len(functions))
