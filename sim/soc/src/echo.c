/* Gives back each line in capitals; ends at an empty line. */
#include "soc.h"

int main(void)
{
    int length = 0;
    printf("type lines, an empty one ends\n");
    for (;;) {
        int c = getchar();
        if (c == '\r')
            continue;
        if (c == '\n') {
            putchar('\n');
            if (!length)
                return 0;
            length = 0;
            continue;
        }
        putchar(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
        length++;
    }
}
