#include "chart.h"

#include "say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MARKS = 128,
    LEFT = 190,
    WIDTH = 760,
    ROW = 18,
    SMALL = 200 /* steps below 1/200 of the whole are one row */
};

struct mark {
    char name[48];
    double at, took;
};

struct chart {
    char unit[32];
    struct mark marks[MARKS];
    size_t count, before; /* before: of these, how many are before the kernel */
};

static void parse_line(struct chart *chart, const char *line)
{
    struct mark mark;

    if (sscanf(line, "osprey: boot chart (%*[^,], %31[^)])", chart->unit) == 1) {
        chart->count = chart->before = 0;
        return;
    }
    if (!*chart->unit || chart->count == MARKS ||
        sscanf(line, "osprey: %lf +%lf %47[^\r\n]", &mark.at, &mark.took, mark.name) != 3)
        return;
    if (!strcmp(mark.name, "firmware") || !strcmp(mark.name, "loader") ||
        !strcmp(mark.name, "unpack"))
        chart->before = chart->count + 1;
    chart->marks[chart->count++] = mark;
}

static void put_text(FILE *svg, const char *text)
{
    for (; *text; text++) {
        if (strchr("<>&", *text))
            fprintf(svg, "&#%d;", *text);
        else
            fputc(*text, svg);
    }
}

static int put_row(FILE *svg, int y, const struct mark *mark, double from, double whole,
                   const char *colour)
{
    double x = LEFT + (mark->at - mark->took - from) / whole * WIDTH;
    double width = mark->took / whole * WIDTH;

    fprintf(svg, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", LEFT - 8, y + 13);
    put_text(svg, mark->name);
    fprintf(svg, "</text><rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>", x,
            y + 2, width < 1 ? 1 : width, ROW - 4, colour);
    fprintf(svg, "<text x=\"%.1f\" y=\"%d\">%.1f</text>\n", x + width + 4, y + 13, mark->took);
    return y + ROW;
}

static int put_title(FILE *svg, int y, const char *title, double whole, const char *unit)
{
    fprintf(svg, "<text x=\"8\" y=\"%d\" font-weight=\"bold\">%s: %.1f %s</text>\n", y + 16, title,
            whole, unit);
    return y + 26;
}

static int put_stages(FILE *svg, int y, const struct chart *chart)
{
    const struct mark *last = &chart->marks[chart->count - 1];
    double entry = chart->before ? chart->marks[chart->before - 1].at : 0;
    struct mark kernel = {"kernel", last->at, last->at - entry};

    y = put_title(svg, y, "From power-on to the program", last->at, chart->unit);
    for (size_t i = 0; i < chart->before; i++)
        y = put_row(svg, y, &chart->marks[i], 0, last->at, "#7a8b99");
    return put_row(svg, y, &kernel, 0, last->at, "#3a7d44") + 12;
}

static int put_steps(FILE *svg, int y, const struct chart *chart)
{
    const struct mark *last = &chart->marks[chart->count - 1];
    double entry = chart->before ? chart->marks[chart->before - 1].at : 0, whole = last->at - entry;
    struct mark others = {"all others", last->at, 0};

    y = put_title(svg, y, "The kernel's steps", whole, chart->unit);
    for (size_t i = chart->before; i < chart->count; i++) {
        if (chart->marks[i].took >= whole / SMALL)
            y = put_row(svg, y, &chart->marks[i], entry, whole, "#3a7d44");
        else
            others.took += chart->marks[i].took;
    }
    return put_row(svg, y, &others, entry, whole, "#a0b8a5") + 12;
}

int chart_write(const char *console, size_t size, const char *file)
{
    struct chart *chart = make(sizeof *chart);
    char *lines = copy_bytes(console, size), *save;

    memset(chart, 0, sizeof *chart);
    for (char *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        parse_line(chart, line);
    free(lines);
    if (!chart->count) {
        warn("--bootchart: the kernel has printed no chart");
        free(chart);
        return -1;
    }
    FILE *svg = fopen(file, "we");
    if (svg) {
        fprintf(svg,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" "
                "height=\"100%%\" fill=\"white\"/>\n",
                LEFT + WIDTH + 90, (int)chart->count * ROW + 150);
        put_steps(svg, put_stages(svg, 4, chart), chart);
        fputs("</svg>\n", svg);
    }
    free(chart);
    if (svg && !ferror(svg) && !fclose(svg))
        return 0;
    warn("--bootchart=%s: %s", file, strerror(errno));
    return -1;
}
