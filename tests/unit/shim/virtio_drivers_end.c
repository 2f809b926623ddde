/* The end of the drivers' list: linked behind them. */
asm(".pushsection .virtio_drivers, \"aw\"\n"
    ".globl __virtio_drivers_end\n"
    "__virtio_drivers_end:\n"
    ".popsection");
