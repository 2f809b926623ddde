/* dlopen, dlsym, TLS of a library loaded late. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static void (*greet)(const char *);

static void *in_thread(void *name)
{
    greet(name);
    return NULL;
}

int main(int argc, char **argv)
{
    void *lib = dlopen(argc > 1 ? argv[1] : "libgreet.so", RTLD_NOW);
    pthread_t t;

    if (!lib) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    *(void **)&greet = dlsym(lib, "greet");
    greet("main");
    greet("main");
    pthread_create(&t, NULL, in_thread, "a thread");
    pthread_join(t, NULL);
    printf("%s\n", dlsym(lib, "absent") ? "found" : "absent");
    return dlclose(lib);
}
