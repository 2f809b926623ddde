/* host/machine.h: the machines that QEMU makes. */
#pragma once

enum machine { MACHINE_MICROVM, MACHINE_Q35, MACHINE_PC };

enum { MICROVM_SLOTS = 8 }; /* for virtio-mmio devices (QEMU's hw/i386/microvm.c, without ACPI) */
