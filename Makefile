# Builds, tests and installs mod_expect for Apache httpd 2.4.
# GNU make; "make help" lists the targets. APXS says for which httpd, and with
# which one to test, unless HTTPD names another:
#
#     make APXS=/opt/httpd/bin/apxs test
#
# CPPFLAGS, CFLAGS and LDFLAGS are added to those that apxs has of its own.

APXS  ?= $(or $(shell command -v apxs || command -v apxs2),apxs)
CC     = gcc
CLANG  = clang
# EXPECT_DEBUG: judge/verdict.c aborts at an illegal change of a verdict
SAN    = -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
         -DEXPECT_DEBUG
COV    = -g -O0 --coverage -fprofile-update=atomic -DEXPECT_COVERAGE
TSAN   = -g -O1 -fno-omit-frame-pointer -fsanitize=thread
DOCDIR = /usr/share/doc/mod_expect
# README and docs/; the samples go to DOCDIR
TEXTDIR = $(DOCDIR)
MANDIR = /usr/share/man
INSTALL = install

include modules.mk

MODULE    = .libs/mod_expect.so
MANPAGE   = packaging/out/mod_expect.5
REDIS     = .libs/mod_expect_redis.so
WITNESS   = t/c-modules/witness/.libs/mod_witness.so
APXSFLAGS = $(addprefix -Wc$(comma),$(WARNINGS) $(CPPFLAGS) $(CFLAGS)) \
            $(addprefix -Wl$(comma),$(LDFLAGS))
INCLUDES  = -I. -Isrc -isystem $(shell $(APXS) -q INCLUDEDIR) \
            -isystem $(shell $(APXS) -q APR_INCLUDEDIR 2>/dev/null) \
            $(shell $(APXS) -q EXTRA_CPPFLAGS 2>/dev/null)
comma     = ,
# inside of a function, \# is not the same in all versions of make
hash     := \#
APR       = $(shell $(APXS) -q APR_CONFIG)
APU       = $(shell $(APXS) -q APU_CONFIG)

# below DESTDIR
LIBEXECDIR = $(shell $(APXS) -q LIBEXECDIR)
SAMPLES    = $(wildcard conf-sample/*)
TEXTS      = README CHANGES SECURITY
DOCS       = $(wildcard docs/*)

export APXS

# mod_expect_redis.so needs hiredis, 0.14 or later; without it, only
# mod_expect.so is built. HIREDIS=no does without it in any case, and
# HIREDIS=yes fails where it is missing.
HIREDIS ?= $(shell printf '%s\n' '$(hash)include <hiredis/hiredis.h>' \
    '$(hash)if HIREDIS_MAJOR == 0 && HIREDIS_MINOR < 14' '$(hash)error' \
    '$(hash)endif' | \
    $(CC) $(CPPFLAGS) -E - >/dev/null 2>&1 && echo yes || echo no)
ifeq ($(HIREDIS),yes)
BUILT   = $(MODULE) $(REDIS)
CHECKED = $(SOURCES) $(REDIS_SOURCES)
else
BUILT   = $(MODULE) no-redis
CHECKED = $(SOURCES)
UNITS_WITHOUT = t/unit/redis.c
endif
# A package is built without a server.
ifeq ($(shell command -v redis-server),)
UNITS_WITHOUT = t/unit/redis.c
endif

all: $(BUILT) $(MANPAGE)        ## build modules and manual page (the default)

no-redis:
	@echo 'make: mod_expect_redis.so is not built: $(if $(filter \
	    file,$(origin HIREDIS)),there is no hiredis 0.14 or later \
	    (libhiredis-dev$(comma) hiredis-devel$(comma) \
	    hiredis-dev),HIREDIS=no)'

$(MODULE): $(SOURCES) $(HEADERS) modules.mk
	$(APXS) -c $(APXSFLAGS) -Wc,-Isrc '-Wl,$(EXPORTS)' -o mod_expect.la \
	    $(SOURCES) $(LIBS)

$(REDIS): $(REDIS_SOURCES) $(HEADERS) $(REDIS_SCRIPT) modules.mk
	$(APXS) -c $(APXSFLAGS) -Wc,-Isrc '-Wl,$(REDIS_EXPORTS)' \
	    -o mod_expect_redis.la $(REDIS_SOURCES) $(REDIS_LIBS)

# A string of C, without comments and indentation.
$(REDIS_SCRIPT): src/redis/script.lua
	sed -e '/^ *--/d;/^ *$$/d' -e 's/^ *//;s/[\\"]/\\&/g' \
	    -e 's/^/"/;s/$$/\\n"/' $< >$@

# not left behind if packaging/man fails
$(MANPAGE): docs/REFERENCE packaging/man packaging/debian/changelog \
            $(filter %/version.h,$(HEADERS))
	@mkdir -p $(@D)
	packaging/man >$@.new
	mv $@.new $@

witness: $(WITNESS)

$(WITNESS): t/c-modules/witness/mod_witness.c
	cd t/c-modules/witness && $(APXS) -c $(APXSFLAGS) mod_witness.c

# A unit test is one C file with a main(), run under the sanitizers, or with a
# line "/* sanitize: thread */" under ThreadSanitizer; it is linked with the
# sources that its line "/* links: src/base/head.c */" names, and the libraries
# of "/* libs: -lhiredis */".
UNITS = $(patsubst t/unit/%.c,t/unit/.build/%,$(filter-out $(UNITS_WITHOUT), \
        $(wildcard t/unit/*.c)))

units: $(UNITS)

unit_sources = $$(sed -n 's,^/\* links: *\(.*\) *\*/$$,\1,p' $<)
unit_libs    = $$(sed -n 's,^/\* libs: *\(.*\) *\*/$$,\1,p' $<)
UNIT_LIBS    = -lcmocka $(shell $(APR) --link-ld --libs) \
               $(shell $(APU) --link-ld --libs)

t/unit/.build/%: t/unit/%.c $(wildcard t/unit/*.h) $(CHECKED) $(HEADERS) \
                 $(REDIS_SCRIPT)
	@mkdir -p $(@D)
	$(CC) $$(grep -q '^/\* sanitize: thread' $< && echo '$(TSAN)' \
	        || echo '$(SAN)') $(WARNINGS) $(INCLUDES) -o $@ $< \
	    $(unit_sources) $(unit_libs) $(UNIT_LIBS)

check-units: units              ## run the unit tests
	@$(if $(UNITS_WITHOUT),echo "not run: $(UNITS_WITHOUT): it needs hiredis \
	and redis-server" | tr -d '\t')
	for unit in $(UNITS); do $$unit || exit 1; done

# make test runs check-tidy in the place of check-tidy-all, which takes half a
# minute.
check-static: check-cppcheck check-gcc check-clang check-gcc-analyzer \
              check-tidy-all check-version check-reference check-layers \
              check-dist
check-static:                   ## warnings are errors; the texts agree

# variableScope: variables are declared where a function begins
check-cppcheck: $(REDIS_SCRIPT) ## what cppcheck finds
	cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 \
	    --enable=warning,style,performance,portability \
	    --suppress=variableScope -Isrc $(CHECKED)

check-gcc:                      ## gcc's warnings
check-clang:                    ## clang's warnings
check-gcc check-clang: check-%: $(REDIS_SCRIPT)
	for file in $(CHECKED); do \
	    $(if $(filter clang,$*),$(CLANG),$(CC)) -fsyntax-only -O2 -Werror \
	        $(WARNINGS) $(INCLUDES) $$file || exit 1; \
	done

check-version:                  ## one version in CHANGES and the packages
	@packaging/version

check-reference: $(MANPAGE)     ## docs, manual page, samples name all
	@packaging/reference

check-layers:                   ## rooms include what src/README allows
	@packaging/layers

check-dist:                     ## one commit gives one tarball, anywhere
	@packaging/reproducible

check-gcc-analyzer: $(REDIS_SCRIPT)     ## what gcc -fanalyzer finds
	for file in $(CHECKED); do \
	    $(CC) -fanalyzer -O1 -Werror $(WARNINGS) $(INCLUDES) -S \
	        -o /dev/null $$file || exit 1; \
	done

# Which checks: .clang-tidy; the first leaves out those of clang's analyzer.
check-tidy: $(REDIS_SCRIPT)     ## what clang-tidy finds, without the analyzer
	$(CLANG)-tidy --quiet --checks=-clang-analyzer-* $(CHECKED) -- \
	    $(INCLUDES)

check-tidy-all: $(REDIS_SCRIPT) ## what clang-tidy finds
	$(CLANG)-tidy --quiet $(CHECKED) -- $(INCLUDES)

test:                           ## set up what is missing, then run all tests
	t/setup
	t/run

setup:                          ## install what building and testing need
	t/setup

asan:                           ## the tests with the modules under sanitizers
	t/setup
	$(MAKE) asan/mod_expect.so asan/mod_expect_redis.so
	t/run --so asan/mod_expect.so --asan --mpm event,prefork

# The tests of what the module itself does; not those of its meeting others.
CORE = auth cutoff/cap.t linger/life.t linger/metrics.t log logic merge \
       provider response rule sections without-expect \
       $(addprefix admission/,fields.t flood.t in-flight.t keys.t \
           no-memory.t once.t over.t places.t quota.t rules.t unknown.t)

valgrind:                       ## the core of the tests under memcheck
	t/setup valgrind
	t/run --valgrind --mpm event,prefork \
	    $(sort $(wildcard $(CORE:%=t/%/*.t)) $(filter %.t,$(CORE:%=t/%)))

asan/mod_expect.so: $(SOURCES) $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(SAN) -shared -fPIC $(WARNINGS) $(INCLUDES) -o $@ $(SOURCES) \
	    $(LIBS)

asan/mod_expect_redis.so: $(REDIS_SOURCES) $(HEADERS) $(REDIS_SCRIPT)
	@mkdir -p $(@D)
	$(CC) $(SAN) -shared -fPIC $(WARNINGS) $(INCLUDES) -o $@ \
	    $(REDIS_SOURCES) $(REDIS_LIBS)

coverage: t/coverage            ## which lines no test reaches
	t/setup coverage
	t/coverage

# An object for each source, as files of the same name are counted as one.
coverage/%.o: %.c $(HEADERS) $(REDIS_SCRIPT)
	@mkdir -p $(@D)
	$(CC) $(COV) -fPIC $(WARNINGS) $(INCLUDES) -c -o $@ $<

coverage/mod_expect.so: $(SOURCES:%.c=coverage/%.o)
	$(CC) $(COV) -shared -o $@ $^ $(LIBS)

coverage/%: t/unit/%.c $(SOURCES) $(HEADERS) $(REDIS_SCRIPT)
	@mkdir -p $(@D)
	$(CC) $(COV) $(WARNINGS) $(INCLUDES) -c -o $@.o $<
	$(CC) $(COV) $(WARNINGS) $(INCLUDES) -o $@ $@.o $(unit_sources) \
	    $(unit_libs) $(UNIT_LIBS)

coverage/mod_expect_redis.so: $(REDIS_SOURCES:%.c=coverage/%.o)
	$(CC) $(COV) -shared -o $@ $^ $(REDIS_LIBS)

# The fuzz targets: a module that a real httpd loads, see t/fuzz/README. What
# the tests replay is built by gcc, with the same sanitizers; only make fuzz
# needs clang's libFuzzer.
FUZZ_SECONDS = 60
FUZZ         = $(notdir $(wildcard t/fuzz/corpus/*))
FUZZ_SOURCES = $(sort $(wildcard t/fuzz/*.c))
FUZZ_WRAPPED = $(addprefix apr_,palloc pmemdup pstrdup pstrmemdup pstrndup \
                 pstrcat psprintf) expect_counters_report
# stddef.h: without it, APR computes an offset by a null pointer
FUZZ_SAN     = $(SAN) -fno-sanitize-recover=undefined
FUZZ_FLAGS   = -include stddef.h \
               -shared -fPIC -Wl,-Bsymbolic-functions,-z,nodelete \
               $(addprefix -Wl$(comma)--wrap=,$(FUZZ_WRAPPED)) \
               $(WARNINGS) $(INCLUDES)

fuzz:                           ## hostile input, 60 s each; FUZZ_SECONDS, FUZZ="head tree"
	t/setup fuzz
	$(MAKE) asan/libfuzzer.so
	t/fuzz/run --seconds $(FUZZ_SECONDS) $(FUZZ)

fuzz-replay:                    ## each input of t/fuzz/corpus once
	t/setup
	$(MAKE) asan/mod_fuzz.so
	t/fuzz/run --replay $(FUZZ)

asan/mod_fuzz.so: $(FUZZ_SOURCES) t/fuzz/fuzz.h $(SOURCES) $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(FUZZ_SAN) $(FUZZ_FLAGS) -o $@ $(FUZZ_SOURCES) $(SOURCES) $(LIBS)

# The targets themselves are not counted.
coverage/mod_fuzz.so: $(FUZZ_SOURCES) t/fuzz/fuzz.h $(SOURCES:%.c=coverage/%.o)
	$(CC) -g -DEXPECT_COVERAGE -r $(FUZZ_FLAGS:-shared=) -o $@.o \
	    $(FUZZ_SOURCES)
	$(CC) $(COV) $(FUZZ_FLAGS) -o $@ $@.o $(SOURCES:%.c=coverage/%.o) \
	    $(LIBS)

asan/libfuzzer.so: $(FUZZ_SOURCES) t/fuzz/fuzz.h $(SOURCES) $(HEADERS)
	@mkdir -p $(@D)
	$(CLANG) -DFUZZ_LIBFUZZER $(FUZZ_SAN) $(FUZZ_FLAGS) \
	    -fsanitize=fuzzer-no-link -shared-libasan -o $@ $(FUZZ_SOURCES) \
	    $(SOURCES) $(LIBS) $$($(CLANG) \
	    -print-file-name=libclang_rt.fuzzer_no_main-$$(uname -m).a) \
	    -lstdc++ -lm

demo: t/demo                    ## see what it does, in a minute
	t/setup demo
	$(MAKE) all witness
	t/demo

bench:                          ## what it costs, in twenty minutes
	t/setup bench
	$(MAKE) all
	t/bench/run

clients:                        ## what real clients make of it, in ten minutes
	t/setup
	$(MAKE) all
	t/clients/run --save

# FRONTS_MB: the sizes of uploads, in megabytes
fronts:                         ## how reverse proxies handle refusals, in ten minutes
	t/setup fronts
	$(MAKE) all
	t/front/run

# MPM=worker, or event,worker,prefork; see t/soak/run for SOAK_...
soak:                           ## everything at once, for a quarter of an hour
	t/setup soak
	$(MAKE) all
	t/soak/run --mpm $(or $(MPM),event) --save

# HTTPDS="/opt/httpd-2.4.37/bin/apxs ...": installed httpds, by their apxs
matrix:                         ## all tests with each apxs of HTTPDS
	t/setup
	t/matrix/run --save $(HTTPDS)

run:                            ## the demo's servers to try, until Ctrl-C
	t/setup demo
	$(MAKE) all witness
	t/demo --serve

install: all                    ## module, manual, samples, below DESTDIR
	$(INSTALL) -d '$(DESTDIR)$(LIBEXECDIR)' '$(DESTDIR)$(DOCDIR)' \
	    '$(DESTDIR)$(TEXTDIR)/docs' '$(DESTDIR)$(MANDIR)/man5'
	$(INSTALL) -m 755 $(filter %.so,$(BUILT)) '$(DESTDIR)$(LIBEXECDIR)'
	$(INSTALL) -m 644 $(SAMPLES) '$(DESTDIR)$(DOCDIR)'
	$(INSTALL) -m 644 $(TEXTS) '$(DESTDIR)$(TEXTDIR)'
	$(INSTALL) -m 644 $(DOCS) '$(DESTDIR)$(TEXTDIR)/docs'
	$(INSTALL) -m 644 $(MANPAGE) '$(DESTDIR)$(MANDIR)/man5'

uninstall:                      ## remove what make install has put there
	rm -f '$(DESTDIR)$(LIBEXECDIR)/mod_expect.so' \
	    '$(DESTDIR)$(LIBEXECDIR)/mod_expect_redis.so' \
	    '$(DESTDIR)$(MANDIR)/man5/mod_expect.5' \
	    $(foreach file,$(notdir $(SAMPLES)),'$(DESTDIR)$(DOCDIR)/$(file)') \
	    $(foreach file,$(TEXTS) $(DOCS),'$(DESTDIR)$(TEXTDIR)/$(file)')
	-for dir in '$(TEXTDIR)/docs' '$(DOCDIR)' '$(TEXTDIR)'; do \
	    test ! -d "$(DESTDIR)$$dir" || rmdir "$(DESTDIR)$$dir"; \
	done

dist:                           ## a tarball of the version, in packaging/out
	packaging/dist

distcheck:                      ## the tarball builds and tests by itself
	t/setup
	packaging/distcheck

deb:                            ## the Debian packages, in packaging/out
	t/setup deb
	packaging/deb

deb-test: deb                   ## install, use, remove them in a fresh Debian
	t/setup deb-test
	packaging/deb-test

rpm-test:                       ## build by the spec file, and look at the RPMs
	t/setup rpm-test
	packaging/rpm-test

compile_commands.json: $(SOURCES) $(HEADERS)    ## for clangd and clang-tidy
	bear --output $@ -- $(MAKE) -B $(filter %.so,$(BUILT))

clean:                          ## remove what was built
	rm -rf .libs asan coverage mod_expect.la mod_expect_redis.la \
	    compile_commands.json $(REDIS_SCRIPT)
	rm -f *.lo *.slo *.o src/*/*.lo src/*/*.slo src/*/*.o
	rm -rf src/.libs src/*/.libs t/unit/.build t/c-modules/*/.libs packaging/out
	rm -f $(foreach end,la lo slo o,t/c-modules/*/*.$(end))

help:                           ## this list
	@sed -n 's/^\([a-z_.-]*\):[^#]*## */  \1	/p' Makefile | \
	    expand -t 26

.PHONY: all no-redis witness units check-units check-static check-cppcheck \
        check-gcc check-clang check-gcc-analyzer check-tidy check-tidy-all \
        check-version check-reference check-layers check-dist test setup asan \
        valgrind fuzz fuzz-replay coverage demo bench clients fronts matrix \
        soak run install uninstall dist distcheck deb deb-test rpm-test clean \
        help
