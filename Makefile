# Osprey: every target a person needs. `make help` lists them.
KASAN ?= 0
ifeq ($(KASAN),1)
BUILD ?= build/kasan
endif
BUILD ?= build
CC = gcc
KERNEL_CFLAGS = -std=gnu17 -g -ffreestanding -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone \
	-mgeneral-regs-only -mpreferred-stack-boundary=3 -mskip-rax-setup -fno-strict-aliasing -fwrapv -fstack-protector-strong \
	-fno-asynchronous-unwind-tables -fno-omit-frame-pointer -foptimize-sibling-calls \
	-ffunction-sections -fdata-sections -malign-data=abi -fcf-protection=none \
	-Wall -Wextra -Werror -Wno-unused-parameter -Wmissing-prototypes -Wstrict-prototypes \
	-Ikernel -MMD -MP
KERNEL_LDFLAGS = -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=64 \
	-Wl,-z,noexecstack -Wl,--gc-sections -Wl,--no-warn-rwx-segments

# Small, but for what runs at each call, fault, switch or packet (kernel/kernel.mk has the list), and that
# without padding, which an instruction cache holds, too.
FAST = -O2 -falign-functions=1 -falign-loops=1 -falign-jumps=1 -fno-reorder-blocks-and-partition
# -fno-expensive-optimizations makes less of code and guesses wrong what is initialized. What functions begin
# and end with is shared (host/frames), for which it must be in one piece: -fno-schedule-insns2.
SMALL = -Oz -fno-expensive-optimizations -Wno-maybe-uninitialized -fno-schedule-insns2
is_fast = $(filter-out $(COLD),$(filter $(HOT),$(1)))
optimize = $(if $(call is_fast,$(1)),$(FAST),$(SMALL))

# KASAN=1: every access and every undefined operation is checked (docs/debugging.md), except in the
# sanitizer itself and in those whose own data lies in freed memory.
SANITIZE = -fsanitize=kernel-address -fasan-shadow-offset=0xdffffc0000000000 \
	--param asan-instrumentation-with-call-threshold=0 --param asan-stack=1 --param asan-globals=1 \
	-fsanitize-address-use-after-scope
UNSANITIZED = kernel/mm/frame.c kernel/mm/heap.c
ifeq ($(KASAN),1)
sanitize = $(if $(filter-out %/broken.c,$(filter kernel/sanitize/%,$1)),,-fsanitize=undefined $(if $(filter $(UNSANITIZED),$1),,$(SANITIZE)))
KERNEL_CFLAGS += -DKASAN -DKSTACK_BYTES=32768 -DIMAGE_TABLES=10 -Wno-maybe-uninitialized
endif

# Link order is the order of boot steps within a phase: by layer.
KERNEL_DIRS = kernel/boot kernel/arch/x86_64 kernel/lib kernel/core kernel/mm kernel/drivers \
	kernel/fs kernel/net kernel/keys kernel/linux $(if $(filter 1,$(KASAN)),kernel/sanitize)
KERNEL_SRCS = $(sort $(wildcard kernel/*.c)) $(foreach d,$(KERNEL_DIRS),$(shell find $(d) -name '*.c' \
	-not -path '*/vdso/*' -o -name '*.S' -not -path '*/vdso/*' 2>/dev/null | sort))
KERNEL_OBJS = $(patsubst %,$(BUILD)/%.o,$(KERNEL_SRCS))

.PHONY: all help kernel host setup test test-guest soak check bench size clean format abi programs
all: kernel host ## build the kernel and the osprey command

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 12

kernel: $(BUILD)/osprey.elf $(if $(filter 1,$(KASAN)),,$(BUILD)/osprey.bin $(BUILD)/osprey-lzma.bin $(BUILD)/mbr.bin) ## build the kernel only

-include host/host.mk
-include kernel/kernel.mk
-include kernel/loader/loader.mk

# The flags are part of what an object is made of.
$(BUILD)/%.c.o: %.c Makefile kernel/kernel.mk $(BUILD)/frames
	@mkdir -p $(@D)
	@echo "  cc $<"; $(CC) $(KERNEL_CFLAGS) $(call optimize,$<) $(call sanitize,$<) $(call output,$<)
output = $(if $(call is_fast,$(1))$(filter $(WARM),$(1))$(filter 1,$(KASAN)),-c $< -o $@,-S $< -o $@.s -MT $@ -MF $(@:.o=.d) && \
	$(BUILD)/frames <$@.s >$@.t && $(CC) -c -x assembler $@.t -o $@ && rm $@.s $@.t)

$(BUILD)/%.S.o: %.S
	@mkdir -p $(@D)
	@$(CC) $(KERNEL_CFLAGS) -D__ASSEMBLER__ -c $< -o $@

-include $(KERNEL_OBJS:.o=.d)

setup: ## install the Debian packages that building and testing need
	host/setup.sh build
	host/setup.sh test

test: ## set up and run all tests (bounded: about half an hour)
	host/setup.sh build
	host/setup.sh test
	$(MAKE) -s -j2 kernel host
	tests/run

test-guest: kernel ## the guest tests inside Osprey only; with KASAN=1 under the sanitizer
	$(MAKE) -s KASAN=0 BUILD=build host
	OSPREY_KERNEL=$(BUILD)/osprey.elf env -u MAKEFLAGS -u KASAN -u BUILD tests/run --on osprey guest

soak: ## the long forms of the tests
	host/setup.sh build
	host/setup.sh test
	$(MAKE) -s -j2 kernel host
	tests/run --soak

programs: ## write docs/programs.md from the catalogue in apps/
	tests/system/apps.sh --table >docs/programs.md

check: ## quick: format, include direction, warnings, cppcheck
	host/setup.sh build
	tests/check/run

bench: ## the figures beside a Linux guest, in one run
	host/setup.sh build
	host/setup.sh test
	$(MAKE) -s -j2 kernel host
	bench/run
	bench/net

size: kernel ## where the kernel's bytes are, beside the budget (bench/size kernel/net: of a folder)
	bench/size

format: ## clang-format all sources
	clang-format -i $$(git ls-files '*.c' '*.h')

clean: ## remove what was built
	rm -rf $(BUILD)
