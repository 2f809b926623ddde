# The kernel's own rules: what is hot, the vDSO, the two links, the table of system calls.

# What runs at each call, fault, switch or packet, and is compiled for speed; all else for size. `make bench` tells.
hot = $(patsubst %,kernel/$(1)/%.c,$(2))
HOT = kernel/arch/% kernel/core/% kernel/lib/% \
	$(call hot,mm,address_space fault flush fork frame heap map mapping page_store share table uaccess) \
	$(call hot,fs,attr dentry erofs file inode mapped memdev namei open overlay pipe stream tmpfs_file) \
	$(call hot,linux,clone dispatch elf epoll eventfd exec exec_file exec_map exec_stack exit fd futex futex_queue hooks memory \
		open path poll readwrite signal signal_calls signal_deliver signal_frame socket stat task wait) \
	$(call hot,net,channel checksum datagram demux inet ip ipv4 ipv4_output ipv6_output loopback neighbour \
		netif packet receive route segment socket tcp_cong tcp_input tcp_ip tcp_options tcp_output tcp_receive \
		tcp_recovery tcp_send tcp_socket tcp_timer udp udp_send unix unix_data worker) \
	$(call hot,drivers/net,virtio_net_rx virtio_net_tx) \
	$(call hot,drivers/virtio,device queue_packed queue_split)

# Of these what ends or begins the machine; single functions are marked __cold.
COLD = $(call hot,core,panic symbols) $(call hot,arch/x86_64,acpi)

# What threads, signals and processes need often, too: small, but each function begins and ends itself.
WARM = $(call hot,mm,advise) $(call hot,linux,family futex_robust groups patch rseq)

VDSO_CFLAGS = -std=gnu17 -O2 -fpic -ffreestanding -fno-stack-protector -fcf-protection=none \
	-fno-asynchronous-unwind-tables -mcmodel=small -Wall -Wextra -Werror -Wno-unused-parameter -Ikernel

$(BUILD)/vdso.so: kernel/linux/vdso/vdso.c kernel/linux/vdso/sigreturn.S kernel/linux/vdso/vdso.ld \
		kernel/core/clock.h kernel/arch/x86_64/cpu.h kernel/arch/x86_64/layout.h
	@mkdir -p $(@D)
	@$(CC) $(VDSO_CFLAGS) -shared -nostdlib -Wl,-T,kernel/linux/vdso/vdso.ld -Wl,-soname,linux-vdso.so.1 \
		-Wl,--hash-style=both -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,norelro -Wl,-s \
		-o $@ kernel/linux/vdso/vdso.c kernel/linux/vdso/sigreturn.S

$(BUILD)/kernel/linux/vdso/image.S.o: kernel/linux/vdso/image.S $(BUILD)/vdso.so
	@mkdir -p $(@D)
	@$(CC) $(KERNEL_CFLAGS) -DVDSO_FILE='"$(BUILD)/vdso.so"' -c $< -o $@

KERNEL_LINK = $(CC) $(KERNEL_LDFLAGS) -T kernel/boot/kernel.ld

# Linked twice: the second time with the names of the first one's functions, which lie behind all text.
$(BUILD)/osprey.elf: $(KERNEL_OBJS) $(BUILD)/kernel/linux/vdso/image.S.o kernel/boot/kernel.ld \
		$(BUILD)/symbols
	@echo "  ld $@"; $(KERNEL_LINK) -o $(BUILD)/first.elf $(filter %.o,$^)
	@nm -n $(BUILD)/first.elf | $(BUILD)/symbols >$(BUILD)/symbols.S
	@$(CC) -c $(BUILD)/symbols.S -o $(BUILD)/symbols.o
	@echo "  ld $@"; $(KERNEL_LINK) -o $(BUILD)/osprey.debug $(filter %.o,$^) $(BUILD)/symbols.o
	@objcopy --strip-debug $(BUILD)/osprey.debug $@

$(BUILD)/frames: host/frames/frames.c
	@mkdir -p $(@D)
	@gcc -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -o $@ $<

$(BUILD)/symbols: host/symbols/symbols.c
	@mkdir -p $(@D)
	@gcc -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -o $@ $<

$(BUILD)/abi_table: host/abi/abi_table.c
	@mkdir -p $(@D)
	gcc -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -o $@ $<

abi: $(BUILD)/osprey.elf $(BUILD)/abi_table ## write docs/abi.md from the kernel's table
	$(BUILD)/abi_table $(BUILD)/osprey.debug >docs/abi.md
