void greet(const char *name);

int main(void)
{
    greet("uselib");
    return 0;
}
