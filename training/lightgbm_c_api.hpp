// The functions of LightGBM's C API that training uses, declared here because its wheel ships no headers.
//
// Signatures as in LightGBM 4's include/LightGBM/c_api.h, which keeps them stable across minor versions. Every function
// but LGBM_GetLastError returns 0 on success. Included by lightgbm.cpp only.
#pragma once

#include <cstdint>

extern "C" {

using DatasetHandle = void*;
using BoosterHandle = void*;

const char* LGBM_GetLastError();
int LGBM_RegisterLogCallback(void (*callback)(const char*));
int LGBM_DatasetCreateFromMat(const void* data, int data_type, std::int32_t nrow, std::int32_t ncol, int is_row_major,
                              const char* parameters, DatasetHandle reference, DatasetHandle* out);
int LGBM_DatasetSetField(DatasetHandle handle, const char* field_name, const void* field_data, int num_element,
                         int type);
int LGBM_DatasetFree(DatasetHandle handle);
int LGBM_BoosterCreate(DatasetHandle train_data, const char* parameters, BoosterHandle* out);
int LGBM_BoosterLoadModelFromString(const char* model_str, int* out_num_iterations, BoosterHandle* out);
int LGBM_BoosterFree(BoosterHandle handle);
int LGBM_BoosterAddValidData(BoosterHandle handle, DatasetHandle valid_data);
int LGBM_BoosterUpdateOneIter(BoosterHandle handle, int* is_finished);
int LGBM_BoosterGetPredict(BoosterHandle handle, int data_idx, std::int64_t* out_len, double* out_result);
int LGBM_BoosterFeatureImportance(BoosterHandle handle, int num_iteration, int importance_type, double* out_results);
int LGBM_BoosterSaveModelToString(BoosterHandle handle, int start_iteration, int num_iteration,
                                  int feature_importance_type, std::int64_t buffer_len, std::int64_t* out_len,
                                  char* out_str);
int LGBM_BoosterPredictForMat(BoosterHandle handle, const void* data, int data_type, std::int32_t nrow,
                              std::int32_t ncol, int is_row_major, int predict_type, int start_iteration,
                              int num_iteration, const char* parameter, std::int64_t* out_len, double* out_result);

}  // extern "C"

namespace qtrader::training::lightgbm {

inline constexpr int kFloat32 = 0;        // C_API_DTYPE_FLOAT32
inline constexpr int kFloat64 = 1;        // C_API_DTYPE_FLOAT64
inline constexpr int kPredictNormal = 0;  // C_API_PREDICT_NORMAL: probabilities
inline constexpr int kSplitGain = 1;      // C_API_FEATURE_IMPORTANCE_GAIN
inline constexpr int kValidation = 1;     // data_idx of the first validation set

}  // namespace qtrader::training::lightgbm
