# The two tree-training libraries as imported targets. Only training/ links them; a trading process never does.
#
#   XGBoost::XGBoost    Debian's libxgboost-dev (its C API is installed without Python)
#   LightGBM::LightGBM  lib_lightgbm.so of the official wheel, fetched by tools/fetch-lightgbm; the wheel has no headers, so
#                       training/lightgbm_c_api.hpp declares the functions used
#
# Build-tree programs find lib_lightgbm.so through their RPATH.
find_path(XGBOOST_INCLUDE_DIR xgboost/c_api.h)
find_library(XGBOOST_LIBRARY xgboost)
if(NOT XGBOOST_INCLUDE_DIR OR NOT XGBOOST_LIBRARY)
  message(FATAL_ERROR "XGBoost is missing: apt-get install libxgboost-dev")
endif()
add_library(XGBoost::XGBoost SHARED IMPORTED GLOBAL)
set_target_properties(XGBoost::XGBoost PROPERTIES IMPORTED_LOCATION ${XGBOOST_LIBRARY}
                      INTERFACE_INCLUDE_DIRECTORIES ${XGBOOST_INCLUDE_DIR})

set(LIGHTGBM_LIBRARY "" CACHE FILEPATH "lib_lightgbm.so of LightGBM >= 4; empty: fetched by tools/fetch-lightgbm")
set(lightgbm_library "${LIGHTGBM_LIBRARY}")
if(NOT lightgbm_library)
  execute_process(COMMAND ${CMAKE_SOURCE_DIR}/tools/fetch-lightgbm OUTPUT_VARIABLE lightgbm_library
                  ERROR_VARIABLE lightgbm_error RESULT_VARIABLE lightgbm_rc OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT lightgbm_rc EQUAL 0)
    message(FATAL_ERROR "LightGBM is missing and tools/fetch-lightgbm could not get it:\n${lightgbm_error}"
                        "Run `./dev build` with a network connection once, or set -DLIGHTGBM_LIBRARY=/path/lib_lightgbm.so")
  endif()
endif()
if(NOT EXISTS "${lightgbm_library}")
  message(FATAL_ERROR "LIGHTGBM_LIBRARY: no such file: ${lightgbm_library}")
endif()
add_library(LightGBM::LightGBM SHARED IMPORTED GLOBAL)
set_target_properties(LightGBM::LightGBM PROPERTIES IMPORTED_LOCATION ${lightgbm_library})
