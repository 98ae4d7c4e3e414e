# What mod_expect.so is made of: read by Makefile, and by anybody who builds the
# module inside another tree.

SOURCES = mod_expect.c $(sort $(wildcard src/*/*.c))
HEADERS = $(sort $(wildcard src/*/*.h))

WARNINGS = -Wall -Wextra -Wshadow

# Only the module record leaves the shared object; the other files' functions
# stay private to it.
EXPORTS = -export-symbols-regex ^expect_module$$

# jansson makes the JSON, as in mod_md.
LIBS = -ljansson
