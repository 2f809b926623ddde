# osprey.bin: the kernel for BIOS disks, UEFI, GRUB, PXE and iPXE (DESIGN.md 6): set-up, loader, packed
# kernel; osprey-lzma.bin: the same, packed smaller, slower to unpack; and mbr.bin, the first sector of a disk.
LOADER_CFLAGS = -std=gnu17 -Os -ffreestanding -fpie -fvisibility=hidden -mno-red-zone -mgeneral-regs-only \
	-fno-strict-aliasing -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none \
	-fno-tree-loop-distribute-patterns -fno-jump-tables -Wall -Wextra -Werror -Ikernel -MMD -MP
LOADER_SRCS = entry.S efi.c main.c multiboot.c params.c ../lib/crc32c.c
UNPACK_lz4 = unpack_lz4.c lz4.c
UNPACK_lzma = unpack_lzma.c lzma.c branches.c
loader_objs = $(patsubst kernel/%,$(BUILD)/loader/%.o,$(patsubst kernel/loader/../%,kernel/%,$(addprefix kernel/loader/,$(LOADER_SRCS) $(UNPACK_$(1)))))
LOADER_OBJS = $(sort $(call loader_objs,lz4) $(call loader_objs,lzma))

$(BUILD)/loader/%.c.o: kernel/%.c
	@mkdir -p $(@D)
	@$(CC) $(LOADER_CFLAGS) -c $< -o $@

$(BUILD)/loader/%.S.o: kernel/%.S kernel/loader/layout.h
	@mkdir -p $(@D)
	@$(CC) $(LOADER_CFLAGS) -D__ASSEMBLER__ -c $< -o $@

$(BUILD)/loader/lz4.elf: $(call loader_objs,lz4)
$(BUILD)/loader/lzma.elf: $(call loader_objs,lzma)
$(BUILD)/loader/%.elf: kernel/loader/loader.ld
	@$(CC) -nostdlib -static-pie -Wl,--build-id=none -Wl,-z,noexecstack -Wl,--no-dynamic-linker \
		-Wl,--no-warn-rwx-segments -Wl,-T,kernel/loader/loader.ld -o $@ $(filter %.o,$^)
	@! readelf -r $@ | grep R_X86_64 || { rm $@; echo '$@ does not run anywhere'; false; }

$(BUILD)/loader/%.bin: $(BUILD)/loader/loader/%.S.o
	@ld -N -Ttext 0 --oformat binary -o $@ $<

PACK_SRCS = kernel/loader/pack.c kernel/loader/branches.c kernel/lib/crc32c.c
$(BUILD)/pack: $(PACK_SRCS) kernel/loader/layout.h kernel/loader/loader.h
	@mkdir -p $(@D)
	@$(CC) -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -Ikernel -o $@ $(PACK_SRCS) -llz4 -llzma

$(BUILD)/mbr.bin: $(BUILD)/loader/mbr.bin
	@cp $< $@

$(BUILD)/osprey.bin: METHOD = lz4
$(BUILD)/osprey.bin: $(BUILD)/loader/lz4.elf
$(BUILD)/osprey-lzma.bin: METHOD = lzma
$(BUILD)/osprey-lzma.bin: $(BUILD)/loader/lzma.elf
$(BUILD)/osprey.bin $(BUILD)/osprey-lzma.bin: $(BUILD)/osprey.elf $(BUILD)/loader/setup.bin $(BUILD)/pack
	@echo "  pack $@"; $(BUILD)/pack $(METHOD) $(BUILD)/osprey.elf $(BUILD)/loader/setup.bin \
		$(BUILD)/loader/$(METHOD).elf $@

-include $(LOADER_OBJS:.o=.d)
