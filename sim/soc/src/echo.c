/* Gives back each line in capitals; ends at an empty line, or at the end of input. A line ends with CR, as terminals
 * send it, LF, or both. */
#include "soc.h"

int main(void)
{
    int length = 0, before = 0;
    printf("type lines, an empty one ends\n");
    for (;;) {
        int c = getchar();
        int is_rest = c == '\n' && before == '\r';
        before = c;
        if (is_rest)
            continue;
        if (c == EOF) {
            if (length)
                putchar('\n');
            return 0;
        }
        if (c == '\r' || c == '\n') {
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
