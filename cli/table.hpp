// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Text in aligned columns, for the output of every command.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sidestep {

class Table {
  public:
    enum class Align { left, right };  ///< words to the left, numbers to the right
    struct Column {
        std::string title;  ///< with the unit, if any
        Align align = Align::left;
        std::size_t least_width = 0;  ///< aligns tables that are printed one after the other
    };

    explicit Table(std::vector<Column> columns);

    /// Appends a row; cells that are missing at its end are empty.
    void add(const std::vector<std::string>& row);
    [[nodiscard]] bool empty() const { return ends_.empty(); }
    /// The rows as lines, each ending in a newline, under the titles unless they are not wanted.
    [[nodiscard]] std::string to_string(bool with_titles = true) const;

  private:
    void print(std::string& out, std::size_t column, std::string_view cell) const;

    // All cells in one text: a table of 100,000 policies has millions of them.
    std::vector<Column> columns_;
    std::vector<std::size_t> widths_;  ///< in characters
    std::string cells_;
    std::vector<std::size_t> ends_;  ///< of each cell
};

}  // namespace sidestep
