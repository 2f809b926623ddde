#!/usr/bin/python3
"""A stand-in for Firecracker: reads its configuration, checks what it would check, and recreates its machine
with QEMU's microvm and the loader $FIRECRACKER_LOADER, in which the kernel is embedded."""
import json
import os
import sys

arguments = sys.argv[1:]
if arguments[:2] != ["--no-api", "--config-file"] or len(arguments) != 3:
    sys.exit("firecracker: unexpected arguments: %s" % arguments)
with open(arguments[2]) as file:
    config = json.load(file)
unknown = set(config) - {"boot-source", "machine-config", "drives", "network-interfaces"}
boot, machine = config["boot-source"], config["machine-config"]
unknown |= set(boot) - {"kernel_image_path", "initrd_path", "boot_args"}
unknown |= set(machine) - {"vcpu_count", "mem_size_mib"}
if unknown or "drives" not in config:
    sys.exit("firecracker: unknown fields: %s" % unknown)
with open(boot["kernel_image_path"], "rb") as file:
    if file.read(4) != b"\x7fELF":
        sys.exit("firecracker: the kernel is no ELF file")
line = boot["boot_args"]
if len(line) > 2047:
    sys.exit("firecracker: the command line is too long")
words, behind, rest = line.partition(" -- ")
devices = []
for number, interface in enumerate(config.get("network-interfaces", [])):
    devices += ["-netdev", "tap,id=n%d,ifname=%s,script=no,downscript=no" % (number, interface["host_dev_name"]),
                "-device", "virtio-net-device,netdev=n%d,bus=virtio-mmio-bus.%d%s" %
                (number, number, ",mac=" + interface["guest_mac"] if "guest_mac" in interface else "")]
    words += " virtio_mmio.device=512@0x%x:%d" % (0xfeb00000 + 512 * number, 5 + number)
for number, drive in enumerate(config["drives"], len(config.get("network-interfaces", []))):
    unknown = set(drive) - {"drive_id", "path_on_host", "is_root_device", "is_read_only"}
    if unknown or drive["is_root_device"]:
        sys.exit("firecracker: unexpected drive: %s" % drive)
    devices += ["-drive", "if=none,id=d%d,format=raw,file=%s,read-only=%s" %
                (number, drive["path_on_host"], "on" if drive["is_read_only"] else "off"),
                "-device", "virtio-blk-device,drive=d%d,bus=virtio-mmio-bus.%d" % (number, number)]
    words += " virtio_mmio.device=512@0x%x:%d" % (0xfeb00000 + 512 * number, 5 + number)
if os.environ.get("FIRECRACKER_DSDT"):  # the devices by ACPI alone
    words = " ".join(word for word in words.split(" ") if not word.startswith("virtio_mmio."))
command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-nodefaults", "-no-user-config", "-display", "none",
           "-no-reboot", "-serial", "stdio", "-machine",
           "microvm,acpi=off,auto-kernel-cmdline=off,pit=on,pic=on,rtc=off", "-device", "i8042", "-cpu", "max",
           "-global", "virtio-mmio.force-legacy=false",
           "-m", str(machine["mem_size_mib"]), "-smp", str(machine["vcpu_count"]),
           "-kernel", os.environ["FIRECRACKER_LOADER"], "-initrd", boot["initrd_path"],
           "-append", words + " pci=off" + behind + rest] + devices
os.execvp(command[0], command)
