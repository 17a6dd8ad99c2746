# qt_embed(TARGET NAMESPACE files…): compiles text files into TARGET as `extern const std::string_view` constants of the
# namespace, named after the file: tear_sheet.css → kTearSheetCss. Rebuilt when a file changes.
#
# The same file is the script that writes the source: cmake -DOUT=… -DNAMESPACE=… -DFILES=a|b -P embed.cmake
function(qt_embed target namespace)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}_assets.cpp)
  list(TRANSFORM ARGN PREPEND ${CMAKE_SOURCE_DIR}/ OUTPUT_VARIABLE files)
  list(JOIN files "|" joined)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DNAMESPACE=${namespace} "-DFILES=${joined}" -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
  set(source "#include <string_view>\nnamespace ${NAMESPACE} {\n")
  string(REPLACE "|" ";" files "${FILES}")
  foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME)
    string(REGEX REPLACE "[_.]" ";" words ${name})
    set(constant k)
    foreach(word IN LISTS words)
      string(SUBSTRING ${word} 0 1 head)
      string(SUBSTRING ${word} 1 -1 rest)
      string(TOUPPER ${head} head)
      string(APPEND constant ${head}${rest})
    endforeach()
    file(READ ${file} text)
    if(text MATCHES "[)]qtembed\"")
      message(FATAL_ERROR "${file} contains the delimiter of the raw string it is embedded in")
    endif()
    string(APPEND source "extern const std::string_view ${constant};\n"
                         "const std::string_view ${constant} = R\"qtembed(${text})qtembed\";\n")
  endforeach()
  string(APPEND source "}  // namespace ${NAMESPACE}\n")
  file(WRITE ${OUT} "${source}")
endif()
