// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Prints text in aligned columns.
#include "cli/table.hpp"

#include <algorithm>
#include <utility>

namespace sidestep {
namespace {

/// Characters of UTF-8: bytes that continue none.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
    for (const auto& column : columns_) widths_.push_back(std::max(column.least_width, width_of(column.title)));
}

void Table::add(const std::vector<std::string>& row) {
    for (std::size_t column = 0; column < columns_.size(); ++column) {
        if (column < row.size()) {
            cells_ += row[column];
            widths_[column] = std::max(widths_[column], width_of(row[column]));
        }
        ends_.push_back(cells_.size());
    }
}

/// Appends a cell to its line; a line does not end in spaces.
void Table::print(std::string& out, std::size_t column, std::string_view cell) const {
    const std::string::size_type padding = widths_[column] - width_of(cell);
    if (column > 0) out += "  ";
    if (columns_[column].align == Align::right) out.append(padding, ' ');
    out += cell;
    if (columns_[column].align == Align::left) out.append(padding, ' ');
    if (column + 1 < columns_.size()) return;
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
}

std::string Table::to_string(bool with_titles) const {
    std::string text;
    for (std::size_t column = 0; with_titles && column < columns_.size(); ++column) {
        print(text, column, columns_[column].title);
    }
    std::size_t begin = 0;
    for (std::size_t cell = 0; cell < ends_.size(); ++cell) {
        print(text, cell % columns_.size(), std::string_view(cells_).substr(begin, ends_[cell] - begin));
        begin = ends_[cell];
    }
    return text;
}

}  // namespace sidestep
