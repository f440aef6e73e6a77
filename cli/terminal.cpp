// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/terminal.hpp"

#include <clocale>
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

// The last one: its macros have names like `timeout` and `clear`.
#define NCURSES_NOMACROS
#include <curses.h>

namespace sidestep {
namespace {

constexpr short kGood = 1;
constexpr short kWarning = 2;
constexpr short kBad = 3;

chtype attributes(TopStyle style) {
    switch (style) {
        case TopStyle::title:
            return A_BOLD;
        case TopStyle::chosen:
            return A_REVERSE;
        case TopStyle::good:
            return has_colors() ? COLOR_PAIR(kGood) : A_NORMAL;
        case TopStyle::warning:
            return has_colors() ? COLOR_PAIR(kWarning) : A_NORMAL;
        case TopStyle::bad:
            return has_colors() ? COLOR_PAIR(kBad) | A_BOLD : A_BOLD;
        case TopStyle::plain:
            break;
    }
    return A_NORMAL;
}

std::optional<int> translated(int key) {
    switch (key) {
        case ERR:
            return std::nullopt;
        case KEY_UP:
            return static_cast<int>(Key::up);
        case KEY_DOWN:
            return static_cast<int>(Key::down);
        case KEY_PPAGE:
            return static_cast<int>(Key::page_up);
        case KEY_NPAGE:
            return static_cast<int>(Key::page_down);
        case KEY_RESIZE:
            return static_cast<int>(Key::resized);
        case KEY_ENTER:
        case '\n':
        case '\r':
            return static_cast<int>(Key::enter);
        case KEY_BACKSPACE:
        case '\b':
        case 127:
            return static_cast<int>(Key::backspace);
        case 27:
            return static_cast<int>(Key::escape);
        default:
            return key < 256 ? std::optional(key) : std::nullopt;
    }
}

}  // namespace

Result<Terminal> Terminal::open() {
    if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0)
        return fail("needs a terminal; --batch prints to anything else");
    std::setlocale(LC_ALL, "");
    if (newterm(nullptr, stdout, stdin) == nullptr) {
        const char* kind = std::getenv("TERM");
        return fail(std::string("unknown kind of terminal: TERM=") + (kind != nullptr ? kind : ""));
    }
    cbreak();
    noecho();
    keypad(stdscr, true);
    set_escdelay(50);
    curs_set(0);
    if (std::getenv("NO_COLOR") == nullptr && has_colors()) {
        start_color();
        use_default_colors();
        init_pair(kGood, COLOR_GREEN, -1);
        init_pair(kWarning, COLOR_YELLOW, -1);
        init_pair(kBad, COLOR_RED, -1);
    }
    return Terminal();
}

Terminal::~Terminal() {
    if (ours_) endwin();
}

std::size_t Terminal::width() const {
    return static_cast<std::size_t>(getmaxx(stdscr));
}

std::size_t Terminal::height() const {
    return static_cast<std::size_t>(getmaxy(stdscr));
}

void Terminal::show(const std::vector<TopLine>& lines) {
    werase(stdscr);
    for (std::size_t row = 0; row < lines.size(); ++row) {
        const auto look = attributes(lines[row].style);
        wattrset(stdscr, static_cast<int>(look));
        mvwaddnstr(stdscr, static_cast<int>(row), 0, lines[row].text.c_str(), getmaxx(stdscr));
    }
    wattrset(stdscr, A_NORMAL);
    wrefresh(stdscr);
}

std::optional<int> Terminal::key(std::chrono::milliseconds patience) {
    wtimeout(stdscr, static_cast<int>(patience.count()));
    return translated(wgetch(stdscr));
}

}  // namespace sidestep
