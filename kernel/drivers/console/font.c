#include "drivers/console/font.h"

enum { FIRST = ' ', LAST = '~', ROWS = 8 };

/* Eight rows for each character, from the blank on: a digit of base 32 is a row of five pixels. */
static const char rows[] = "0000000044444040aa000000aavavaa04fke5u40op248j30"
                           "cik8lid044800000248884208422248004lel400044v4400"
                           "00000448000v000000000cc001248g00ehjlphe04c4444e0"
                           "eh1248v0v2421he026aiv220vgu11he068guhhe0v1248880"
                           "ehhehhe0ehhf12c00cc0cc000cc0c480248g842000v0v000"
                           "84212480eh124040eh1dlle04ahhvhh0uhhuhhu0ehggghe0"
                           "sihhhis0vgguggv0vgguggg0ehgnhhf0hhhvhhh0e44444e0"
                           "72222ic0hikokih0ggggggv0hrllhhh0hhpljhh0ehhhhhe0"
                           "uhhuggg0ehhhlid0uhhukih0fgge11u0v4444440hhhhhhe0"
                           "hhhhha40hhhllla0hha4ahh0hhha4440v1248gv0e88888e0"
                           "0g842100e22222e04ah000000000000v8420000000e1fhf0"
                           "ggmphhu000egghe011djhhf000ehvge0698s888000fhhf1e"
                           "ggmphhh040c444e0206222icggikoki0c44444e000qllhh0"
                           "00mphhh000ehhhe000uhhugg00fhhf1100mpggg000fge1u0"
                           "88s8896000hhhjd000hhha4000hhlla000ha4ah000hhhf1e"
                           "00v248v0244844204444444084424480008l2000";

unsigned font_row(unsigned code, unsigned row)
{
    if (code < FIRST || code > LAST)
        return row > 1 && row < 14 ? 0x7c : 0;
    unsigned digit = rows[(code - FIRST) * ROWS + row / 2];
    return (digit >= 'a' ? digit - 'a' + 10 : digit - '0') << 2;
}
