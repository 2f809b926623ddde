# osprey.bin: the kernel for BIOS disks, UEFI, GRUB, PXE and iPXE (DESIGN.md 6): set-up, loader, packed
# kernel; and mbr.bin, the first sector of a disk.
LOADER_CFLAGS = -std=gnu17 -Os -ffreestanding -fpie -fvisibility=hidden -mno-red-zone -mgeneral-regs-only \
	-fno-strict-aliasing -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none \
	-fno-tree-loop-distribute-patterns -fno-jump-tables -Wall -Wextra -Werror -Ikernel -MMD -MP
LOADER_SRCS = kernel/loader/entry.S $(sort $(filter-out kernel/loader/pack.c,$(wildcard kernel/loader/*.c))) \
	kernel/lib/crc32c.c
LOADER_OBJS = $(patsubst kernel/%,$(BUILD)/loader/%.o,$(LOADER_SRCS))

$(BUILD)/loader/%.c.o: kernel/%.c
	@mkdir -p $(@D)
	@$(CC) $(LOADER_CFLAGS) -c $< -o $@

$(BUILD)/loader/%.S.o: kernel/%.S kernel/loader/layout.h
	@mkdir -p $(@D)
	@$(CC) $(LOADER_CFLAGS) -D__ASSEMBLER__ -c $< -o $@

$(BUILD)/loader/loader.elf: $(LOADER_OBJS) kernel/loader/loader.ld
	@$(CC) -nostdlib -static-pie -Wl,--build-id=none -Wl,-z,noexecstack -Wl,--no-dynamic-linker \
		-Wl,--no-warn-rwx-segments -Wl,-T,kernel/loader/loader.ld -o $@ $(LOADER_OBJS)
	@! readelf -r $@ | grep R_X86_64 || { rm $@; echo '$@ does not run anywhere'; false; }

$(BUILD)/loader/%.bin: $(BUILD)/loader/loader/%.S.o
	@ld -N -Ttext 0 --oformat binary -o $@ $<

$(BUILD)/pack: kernel/loader/pack.c kernel/lib/crc32c.c kernel/loader/layout.h
	@mkdir -p $(@D)
	@$(CC) -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -Ikernel -o $@ kernel/loader/pack.c \
		kernel/lib/crc32c.c -llz4

$(BUILD)/mbr.bin: $(BUILD)/loader/mbr.bin
	@cp $< $@

$(BUILD)/osprey.bin: $(BUILD)/osprey.elf $(BUILD)/loader/setup.bin $(BUILD)/loader/loader.elf $(BUILD)/pack
	@echo "  pack $@"; $(BUILD)/pack $(BUILD)/osprey.elf $(BUILD)/loader/setup.bin $(BUILD)/loader/loader.elf $@

-include $(LOADER_OBJS:.o=.d)
