/// Everything a user of the library writes against, under one import.
@_exported import ApusAnalysis
@_exported import ApusData
@_exported import ApusFormats
@_exported import ApusKernels
@_exported import ApusModels
@_exported import ApusNN
@_exported import ApusTraining
