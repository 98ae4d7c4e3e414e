# What mod_expect.so and mod_expect_redis.so are made of: read by Makefile, and
# by anybody who builds the modules inside another tree.

SOURCES = mod_expect.c \
          $(sort $(filter-out src/redis/%,$(wildcard src/*/*.c)))
HEADERS = $(sort $(filter-out %.lua.h,$(wildcard src/*/*.h)))

# The store in a Redis server, a module of its own. script.lua.h is made of
# script.lua by Makefile.
REDIS_SOURCES = $(sort $(wildcard src/redis/*.c))
REDIS_SCRIPT  = src/redis/script.lua.h

WARNINGS = -Wall -Wextra -Wshadow

# Only the module record leaves the shared object; the other files' functions
# stay private to it.
EXPORTS       = -export-symbols-regex ^expect_module$$
REDIS_EXPORTS = -export-symbols-regex ^expect_redis_module$$

# jansson makes the JSON, as in mod_md.
LIBS = -ljansson
REDIS_LIBS = -lhiredis
