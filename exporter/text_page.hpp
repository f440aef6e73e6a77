// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Writes samples in Prometheus' text format, by family. A family exists once it has a sample. Thousands of sessions have
// more than a hundred thousand samples, so each is appended to its family's text at once, and never is anything else.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sidestep::exporter {

enum class FamilyType : std::uint8_t { gauge, counter, histogram };

struct Family {
    std::string_view name;
    FamilyType type;
    std::string_view help;
};

/// `name="value"`, escaped as the format wants it.
std::string label(std::string_view name, std::string_view value);
void append_value(std::string& text, double value);
void append_value(std::string& text, std::uint64_t value);

class TextPage {
  public:
    /// The text of a family so far, to append whole samples to. It stays where it is.
    std::string& of(const Family& family);

    /// `labels` as label() makes them, separated by commas.
    void add(const Family& family, std::string_view labels, double value);

    /// The families' texts, by name.
    [[nodiscard]] std::vector<std::string> take();

  private:
    std::map<std::string_view, std::string> families_;
};

}  // namespace sidestep::exporter
