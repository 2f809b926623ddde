/* loader/efi.h: as much of UEFI (2.10) as efi.c calls. Functions answer 0 or an error with the
 * highest bit set; all of them only before exit_boot_services. */
#pragma once

#include "lib/types.h"

#define EFIAPI __attribute__((ms_abi))

typedef uint64_t efi_status;
#define EFI_LOAD_ERROR       (1ull << 63 | 1)
#define EFI_BUFFER_TOO_SMALL (1ull << 63 | 5)

struct efi_guid {
    uint64_t halves[2];
};
static const struct efi_guid efi_loaded_image = {{0x11d295625b1b31a1, 0x3b7269c9a0003f8e}};
static const struct efi_guid efi_volume_protocol = {{0x11d26459964e5b22, 0x3b7269c9a000398e}};
static const struct efi_guid efi_block_io = {{0x11d26459964e5b21, 0x3b7269c9a000398e}};
static const struct efi_guid efi_load_file2 = {{0x403efcb34006c0c1, 0x6de024876c4a6d99}};
static const struct efi_guid efi_acpi20 = {{0x11d3e4f18868e871, 0x81883cc7800022bc}};
static const struct efi_guid efi_acpi10 = {{0x11d32d88eb9d2d30, 0x4dc13f279000169a}};

static const struct efi_guid efi_graphics = {{0x4a3823dc9042a9de, 0x6a5180d0de7afb96}};

enum { EFI_BELOW = 1 }; /* AllocateMaxAddress */
enum {                  /* of memory */
       EFI_LOADER_CODE = 1,
       EFI_LOADER_DATA,
       EFI_BOOT_CODE,
       EFI_BOOT_DATA,
       EFI_CONVENTIONAL = 7,
       EFI_UNUSABLE,
       EFI_ACPI_RECLAIM,
       EFI_ACPI_NVS,
};

struct efi_memory {
    uint32_t type, pad;
    uint64_t start, virtual_start, npages, attributes;
};

struct efi_console { /* 12.4 */
    void *reset;
    efi_status EFIAPI (*output)(struct efi_console *console, const uint16_t *text);
};

struct efi_boot { /* 4.4 */
    char header[24];
    void *tpl[2];
    efi_status EFIAPI (*allocate_pages)(int how, int type, uint64_t npages, uint64_t *address);
    void *free_pages;
    efi_status EFIAPI (*get_memory_map)(uint64_t *size, void *map, uint64_t *key, uint64_t *each,
                                        uint32_t *version);
    void *unused1[11];
    efi_status EFIAPI (*handle_protocol)(void *handle, const struct efi_guid *guid, void **found);
    void *unused2[3];
    efi_status EFIAPI (*locate_device_path)(const struct efi_guid *guid, const void **path,
                                            void **handle);
    void *unused3[5];
    efi_status EFIAPI (*exit_boot_services)(void *handle, uint64_t key);
    void *unused4[9];
    efi_status EFIAPI (*locate_handle_buffer)(int how, const struct efi_guid *guid, void *key,
                                              uint64_t *n, void ***handles);
};
_Static_assert(offsetof(struct efi_boot, handle_protocol) == 152, "UEFI 4.4");
_Static_assert(offsetof(struct efi_boot, locate_device_path) == 184, "UEFI 4.4");
_Static_assert(offsetof(struct efi_boot, exit_boot_services) == 232, "UEFI 4.4");
_Static_assert(offsetof(struct efi_boot, locate_handle_buffer) == 312, "UEFI 4.4");

struct efi_system { /* 4.3 */
    char header[24];
    void *vendor;
    uint32_t revision, pad;
    void *in_handle, *in, *out_handle;
    struct efi_console *console;
    void *error_handle, *error, *runtime;
    struct efi_boot *boot;
    uint64_t ntables;
    struct {
        struct efi_guid guid;
        uint64_t table;
    } * tables;
};
_Static_assert(offsetof(struct efi_system, boot) == 96, "UEFI 4.3");

struct efi_loaded_image { /* 9.1 */
    uint64_t revision;
    void *parent, *system, *device, *path, *reserved;
    uint32_t options_size, pad;
    const uint16_t *options;
};

struct efi_file { /* 13.5 */
    uint64_t revision;
    efi_status EFIAPI (*open)(struct efi_file *folder, struct efi_file **file, const uint16_t *name,
                              uint64_t mode, uint64_t attributes);
    void *close, *delete;
    efi_status EFIAPI (*read)(struct efi_file *file, uint64_t *n, void *to);
    void *write;
    efi_status EFIAPI (*get_position)(struct efi_file *file, uint64_t *position);
    efi_status EFIAPI (*set_position)(struct efi_file *file, uint64_t position);
};
struct efi_volume { /* 13.4 */
    uint64_t revision;
    efi_status EFIAPI (*open)(struct efi_volume *volume, struct efi_file **folder);
};

struct efi_block_media { /* 13.9 */
    uint32_t id;
    uint8_t removable, present, partition, readonly, caching;
    uint32_t block_size, alignment;
    uint64_t last;
};
struct efi_block_io {
    uint64_t revision;
    const struct efi_block_media *media;
    void *reset;
    efi_status EFIAPI (*read)(struct efi_block_io *disk, uint32_t media, uint64_t block, uint64_t n,
                              void *to);
};

struct efi_graphics { /* 12.9 */
    void *query, *set, *blt;
    struct {
        uint32_t modes, mode;
        struct {
            uint32_t version, width, height;
            uint32_t format, masks[4]; /* 0: red first, 1: blue first, 2: by masks */
            uint32_t pixels_per_line;
        } * info;
        uint64_t info_size, base, size;
    } * mode;
};

struct efi_load_file { /* 13.1 */
    efi_status EFIAPI (*load)(struct efi_load_file *source, const void *path, uint8_t boot_policy,
                              uint64_t *size, void *to);
};
struct efi_device_path_vendor { /* 10.3.5.3, and the end of a path */
    uint8_t type, subtype, len[2];
    struct efi_guid guid;
    uint8_t end_type, end_subtype, end_len[2];
} __packed;
_Static_assert(sizeof(struct efi_device_path_vendor) == 24, "UEFI 10.3");
