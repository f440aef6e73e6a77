// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Text in aligned columns.
#include "cli/table.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sidestep {

void Table::add(std::vector<std::string> row) {
    row.resize(columns_.size());
    rows_.push_back(std::move(row));
}

std::string Table::to_string(bool with_titles) const {
    std::vector<std::size_t> widths;
    std::vector<std::string> titles;
    for (std::size_t column = 0; column < columns_.size(); ++column) {
        auto width = std::max(columns_[column].least_width, columns_[column].title.size());
        for (const auto& row : rows_) width = std::max(width, row[column].size());
        widths.push_back(width);
        titles.push_back(columns_[column].title);
    }

    std::string text;
    const auto print = [&](const std::vector<std::string>& row) {
        std::string line;
        for (std::size_t column = 0; column < row.size(); ++column) {
            if (column > 0) line += "  ";
            line += columns_[column].align == Align::left ? fmt::format("{:<{}}", row[column], widths[column])
                                                          : fmt::format("{:>{}}", row[column], widths[column]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    };
    if (with_titles) print(titles);
    for (const auto& row : rows_) print(row);
    return text;
}

}  // namespace sidestep
