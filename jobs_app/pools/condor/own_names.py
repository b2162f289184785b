"""The attributes that HTCondor itself knows. None may be a user's own: some part of it would act on it.

All of its header condor_attributes.h and of its manual's page of job attributes, from 23.0 to 25.14, those of
machines and daemons too: which of them a part reads in a job is nowhere promised. For a newer HTCondor add
what is new in these two places.
"""

from __future__ import annotations

# Sites ask for it, and nothing is decided by it but what it is called in their statistics.
HARMLESS = frozenset({"projectname"})

OWN_NAMES = (
    frozenset(
        """
    _condor_JOBINFO_MAXINTERVAL _condor_PrivRemoteAdminCapability _condor_RESOURCE_CLUSTER
    _condor_RESOURCE_CONSTRAINT _condor_RESOURCE_COUNT _condor_RESOURCE_PROC _condor_StartdHandlesAlives
    _ContainerPort _userrec_opt_ _userrec_opt_create _userrec_opt_create_project _userrec_opt_me
    _userrec_opt_update Absent AccessPoint AccountingGroup AcctGroup AcctGroupUser ActionConstraint
    ActionIds ActionResult ActionResultType ActivationDuration ActivationExecutionDuration
    ActivationSetupDuration ActivationTeardownDuration Activity AddressV1 alias AllowedExecuteDuration
    AllowedJobDuration AllRemoteHosts AnnexName AppendFiles ArcApplication ArcDataStaging Arch
    ArcResources ArcRte Args Arguments AuthCommand AuthenticatedIdentity AuthenticatedName Authentication
    AuthenticationMethod AuthenticationNew AuthMethods AuthMethodsList AuthorizationSucceeded AuthRequired
    AuthToken AuthTokenGroups AuthTokenId AuthTokenIssuer AuthTokenProject AuthTokenScopes
    AuthTokenSubject AutoClusterAttrs AutoClusterId AWSRegion AzureAdminKey AzureAdminUsername
    AzureAuthFile AzureImage AzureLocation AzureSize AzureSubscription AzureVmId BackfillSlot
    BadputCausedByDraining BadputCausedByPreemption BatchExtraSubmitArgs BatchProject BatchQueue
    BatchRuntime BlockReadBytes BlockReadKbytes BlockReads BlockWriteBytes BlockWriteKbytes BlockWrites
    BrokenContextAds BrokenItemId BrokenReasons BufferBlockSize BufferBlocksUsed BufferFiles
    BufferPrefetchSize BufferSize BytesRecvd BytesSent CanHibernate Capability Catalog CatalogID
    CatalogPath CatalogScope CatalogScopeType CatalogSize CCBID CCBOriginalRequester CCBPriorHop CCBRoute
    CCBTTL CERequirements CgroupEnforced CheckExpr CheckpointDestination CheckpointNumber CheckpointSig
    Checksum ChecksumType ChildClaimIds ChirpDelayedAttrs ClaimEndTime ClaimId ClaimIdList ClaimIds
    ClaimStartd ClaimState ClaimType ClassAdLifetime CleanupCategoryCounts ClientId ClientMachine ClockDay
    ClockMin CloudLabel CloudLabelNames ClusterId Cmd CmdHash CmdMD5 CmdSHA CODClaims CollectorHost
    CollectorIpAddr Command CommittedSlotTime CommittedSuspensionTime CommittedTime CommonInputCatalogs
    CommonInputFiles CommonInputFilesSizeMB CompletionDate CompressFiles ConcurrencyLimits CondorAdmin
    CondorLoadAvg CondorPlatform CondorScratchDir CondorVersion ConnectSinful ConsoleIdle Consumption
    ContainerDuration ContainerImage ContainerImageSource ContainerIsCommon ContainerServiceNames
    ContainerTargetDir ContextAd Continue ContinueReason Cookie CoreSize CpuBusy CpuBusyTime CpuCacheSize
    CpuFamily CPUInstructions CpuIsBusy CpuModelNumber Cpus CpusProvisioned CpusUsage create CredDIpAddr
    CronCurrentTimeRange CronDayOfMonth CronDayOfWeek CronHour CronMinute CronMonth CronNextRunTime
    CronPrepTime CronWindow CryptoMethods CryptoMethodsList CUDAVersion CumulativeRemoteSysCpu
    CumulativeRemoteUserCpu CumulativeSlotTime CumulativeSuspensionTime CumulativeTransferTime
    CurbMatchmaking CurrentHosts CurrentJobsRunning CurrentRank CurrentStatusUnknown CurrentTime
    DaemonHistorySubsys DaemonLastReconfigTime DaemonShutdown DaemonShutdownFast DaemonStartTime
    DAG_Address DAG_AdUpdateTime DAG_InRecovery DAG_JobsCompleted DAG_JobsHeld DAG_JobsIdle
    DAG_JobsRunning DAG_JobsSubmitted dag_node_name DAG_NodesDone DAG_NodesFailed DAG_NodesFutile
    DAG_NodesHoldrun DAG_NodesPostrun DAG_NodesPrerun DAG_NodesQueued DAG_NodesReady DAG_NodesTotal
    DAG_NodesUnready DAG_Stats DAG_Status DAGLifetimeJob DAGMan_MaxHoldScripts DAGMan_MaxIdle
    DAGMan_MaxJobs DAGMan_MaxPostScripts DAGMan_MaxPreScripts DAGMan_MaxSubmitsPerInterval DAGManJobId
    DAGManNodeRetry DAGManNodesLog DAGManNodesMask DAGNodeName DAGParentNodeNames DataflowJobSkipped
    DeferralOffset DeferralPrepTime DeferralTime DeferralWindow DelegatedProxyExpiration
    DelegateJobGSICredentialsLifetime Destination Detected DetectedCpus DetectedDisk DetectedMemory
    DisableReason Disk DiskHeldByClaimInMB DiskProvisioned DiskQuantum DiskUsage DockerCachedImageSizeMb
    DockerImage DockerNetworks DockerNetworkType DockerOfflineReason DockerOverrideEntrypoint
    DockerPullPolicy DockerSendCredentials DockerVersion DockerVolumes DontEncryptInputFiles
    DontEncryptOutputFiles DotNetVersions Downloading Draining DrainingDeadline DrainingRequestId
    DrainReason DropJobAdInSandbox DSlotId DynamicSlot EC2AccessKeyId EC2AmiID EC2AvailabilityZone
    EC2BlockDeviceMapping EC2ElasticBlockStorageVolumes EC2ElasticIp EC2IamProfileArn EC2IamProfileName
    EC2InstanceName EC2InstanceType EC2KeyPair EC2KeyPairFile EC2Param EC2ParameterNames EC2ParamNames
    EC2RemoteVirtualMachineName EC2SecretAccessKey EC2SecurityGroups EC2SecurityIDs EC2ServerType
    EC2SessionToken EC2SpotPrice EC2SpotRequestID EC2StatusReasonCode EC2Tag EC2TagNames EC2UserData
    EC2UserDataFile EC2VpcIp EC2VpcSubnet ECDHPublicKey EditedClusterAttrs EffectiveFlockList
    EmailAttributes Enabled Enact EncryptExecuteDirectory EncryptInputFiles Encryption EncryptOutputFiles
    EnteredCurrentActivity EnteredCurrentState EnteredCurrentStatus Env EnvDelim Environment EpochAdType
    EpochWriteDate EraseOutputAndErrorOnRestart Err ErrorCode ErrorString ErrSize ExceptionHierarchy
    ExceptionName ExceptionType ExecutableSize ExecuteDirWasEncrypted ExitBySignal ExitCode ExitReason
    ExitRequirements ExitSignal ExitStatus ExpectedMachineGracefulDrainingBadput
    ExpectedMachineGracefulDrainingCompletion ExpectedMachineQuickDrainingBadput
    ExpectedMachineQuickDrainingCompletion ExpirationTime FailureFiles FetchFiles FetchWorkDelay FileName
    FileReadBytes FileReadCount FileRemaps FileSeekCount FileSize FileSystemDomain
    FileTransferDiskThrottleExcess FileTransferDiskThrottleHigh FileTransferDiskThrottleLimit
    FileTransferDiskThrottleLow FileTransferDiskThrottleShortfall FileTransferDownloadBytesPerSecond
    FileTransferDownloadDiskLoad FileTransferDownloadNetLoad FileTransferUploadBytesPerSecond
    FileTransferUploadDiskLoad FileTransferUploadNetLoad FileWriteBytes FileWriteCount FirstJobMatchDate
    Flavor FlockedJobs FlockTo Force GahpPid GceAccount GceAuthFile GceImage GceJsonFile GceMachineType
    GceMetadata GceMetadataFile GcePreemptible GceProject GceZone Gid GlobalJobId GPUsMaxCapability
    GPUsMinCapability GPUsMinMemory GPUsMinRuntime GridJobId GridJobStatus GridmanagerSelectionValue
    GridResource GridResourceUnavailableReason GridResourceUnavailableReasonCode
    GridResourceUnavailableTime GroupQuota GroupResourcesAllocated GroupResourcesInUse GZIP
    HadControlleeName HadIndex HadIsActive HadList HadSelfID HardwareAddress HasCheckpointing
    HasCommonFilesTransfer HasContainer HasDocker HasDockerURL HasEncryptExecuteDirectory HasFileTransfer
    HasFileTransferPluginMethods HashName HasIOProxy HasJava HasJICLocalConfig HasJICLocalStdin HasJobAd
    HasJobAdFromFile HasJobDeferral HasJobNetworking HasJobTransferPlugins HasMPI HasOldVanilla HasOsUser
    HasPerFileEncryption HasPidNamespaces HasPVM HasReconnect HasRotationalScratch HasSandboxImage
    HasSelfCheckpointTransfers HasSIF HasSingularity HasStartDaemonAd HasTDP HasTransferInputRemaps
    HasUserNamespaces HasVM HasWindowsRunAsOwner HealthExprs Healthy HeldJobs HibernationLevel
    HibernationMethod HibernationRawMask HibernationState HibernationSupportedStates HistoryAdTypeFilter
    HistoryRecordSource HoldCopiedFromTargetJob HoldKillSig HoldReason HoldReasonCode HoldReasonSubCode
    HookKeyword HostsClaimed HostsOwner HostsTotal HostsUnclaimed HowFast IdleJobs IDs ImageSize In
    Inactive IncludeClusterAd IncludeJobsetAds InitialJobStatus InitialWaitDuration Integrity Interactive
    IOWait IsDaemonCore IsDataSlot IsDirectAttach IsEnforcingDiskUsage IsLocalStartd IsLocalUser IsNoopJob
    IsOCUHolder IsOwner IsQueueSuperUser IsSplittable IssuerKeys IsTransferShadow IsWakeAble
    IsWakeOnLanEnabled IsWakeOnLanSupported Iwd IwdFlushNFSCache JarFiles JavaSpecificationVersion
    JavaVendor JavaVersion JavaVMArgs JavaVMArguments JobAbortEventLogged JobAction JobAdInformationAttrs
    JobBatchId JobBatchName JobCoolDownExpiration JobCoreDumped JobCoreFileName
    JobCurrentFinishTransferInputDate JobCurrentFinishTransferOutputDate JobCurrentReconnectAttempt
    JobCurrentStartDate JobCurrentStartExecutingDate JobCurrentStartTransferInputDate
    JobCurrentStartTransferOutputDate JobDescription JobDisconnectedDate JobDuration JobFinishedHookDone
    JobId JobKeyword JobLanguage JobLastCheckpointTime JobLastStartDate JobLeaseDuration
    JobLeaseExpiration JobMachineAttrs JobMachineAttrsHistoryLength JobMaterializeConstraint
    JobMaterializeDate JobMaterializeDigestFile JobMaterializeItemsFile JobMaterializeLimit
    JobMaterializeMaxIdle JobMaterializeNextProcId JobMaterializeNextRow JobMaterializePaused
    JobMaterializePauseReason JobMaterializeStepSize JobMaxRetries JobMaxVacateTime JobNotification JobPid
    JobPreparingTasks JobPrio JobPrioArray JobPrioArrayOverflow JobQueueBirthdate JobRequiresSandbox
    JobRunCount JobSetId JobSetName JobStart JobStartDate JobStarterDebug JobStarterLog JobState JobStatus
    JobStatusOnRelease JobSubmitFile JobSubmitMethod JobSuccessExitCode JobUniverse JobVM_MACADDR
    JobVM_VCPUS JobVMCheckpoint JobVMCpuUtilization JobVMHardwareVT JobVMMemory JobVMNetworking
    JobVMNetworkingType JobVMType JobVMVNCConsole KeepClaimIdle KeyboardIdle KFlops Kill KillSig
    KillSigTimeout LastAvailInterval LastBenchmark LastCkptTime LastClaimState LastDrainStartTime
    LastDrainStopTime LastFetchWorkCompleted LastFetchWorkSpawned LastFileTransferErrorProtocol
    LastForwarded LastHeardFrom LastHoldReason LastHoldReasonCode LastHoldReasonSubCode
    LastJobLeaseRenewal LastJobStatus LastMatchListLength LastMatchName LastMatchTime
    LastNegotiationCycleActiveSubmitterCount LastNegotiationCycleCandidateSlots
    LastNegotiationCycleCpuTime LastNegotiationCycleDuration LastNegotiationCycleEnd
    LastNegotiationCycleMatches LastNegotiationCycleMatchRate LastNegotiationCycleMatchRateSustained
    LastNegotiationCycleNumIdleJobs LastNegotiationCycleNumJobsConsidered
    LastNegotiationCycleNumSchedulers LastNegotiationCyclePeriod LastNegotiationCyclePhase1CpuTime
    LastNegotiationCyclePhase1Duration LastNegotiationCyclePhase2CpuTime
    LastNegotiationCyclePhase2Duration LastNegotiationCyclePhase3CpuTime
    LastNegotiationCyclePhase3Duration LastNegotiationCyclePhase4CpuTime
    LastNegotiationCyclePhase4Duration LastNegotiationCyclePies LastNegotiationCyclePieSpins
    LastNegotiationCyclePrefetchCpuTime LastNegotiationCyclePrefetchDuration
    LastNegotiationCycleRejections LastNegotiationCycleScheddsOutOfTime LastNegotiationCycleSlotShareIter
    LastNegotiationCycleSubmittersFailed LastNegotiationCycleSubmittersOutOfTime
    LastNegotiationCycleSubmittersShareLimit LastNegotiationCycleTime LastNegotiationCycleTotalSlots
    LastNegotiationCycleTrimmedSlots LastPeriodicCheckpoint LastPublicClaimId LastPublicClaimIds
    LastRejMatchNegotiator LastRejMatchReason LastRejMatchTime LastReleaseReason LastRemoteHost
    LastRemotePool LastRemoteStatusUpdate LastRemoteWallClockTime LastShadowException LastSlotName
    LastSuspensionTime LastUpdate LastVacateTime LeaveJobInQueue Lifetime LimitAuthorization
    LimitDirectoryAccess LimitResults LinuxCapabilities LoadAvg LoadProfile LoadUserProfile LocalCpu
    LocalCredd LocalFiles LocalJobsIdle LocalJobsRunning LocationQuery LvmBackingStore LvmDetectedDisk
    LvmIsThinProvisioning LvmNonCondorDiskUsage LvmUsingLoopback Machine MachineAttr
    MachineAttrSlotWeight0 MachineCount MachineLastMatchTime MachineMaxVacateTime MachineResources Managed
    ManagedManager ManifestDesired ManifestDir MappingMethod MasterIpAddr MatchCaps MatchClaimedPslots
    Matched_PSG MatchedConcurrencyLimits MaxClaimTime MaxHosts MaxJobRetirementTime MaxJobsRunning
    MaxRequestMemory MaxRunningJobs MaxTransferBytes MaxTransferInputMB MaxTransferOutputMB Memory
    MemoryProvisioned MemoryUsage Microarch MinHosts Mips MountUnderScratch MPIIsMaster MPIMasterAddr
    MultipleTasksPerPvmd MyAddress MyCurrentTime MyProxyPassword MyRemoteUserName MyType Name NeedRefresh
    NegotiatedSession NegotiatorIpAddr NegotiatorJobConstraint NegotiatorMatchExpr NegotiatorName
    NegotiatorRequirements NetworkInputMb NetworkOutputMb NewlyCommittedTime NewSession NextClusterNum
    NextFetchWorkDelay NextJobStartDelay NiceUser Node Nonce Nonessential NoopJobExitCode
    NoopJobExitSignal NoProcAds NotifyUser NTDomain NumAds NumCkpts NumCkpts_RAW NumClaims NumCODClaims
    NumDynamicSlots NumHolds NumHoldsByReason NumInputTransferStarts NumJobCompletions NumJobCoolDowns
    NumJobMatches NumJobReconnects NumJobStarts NumJobStartsDelayed NumOutputTransferStarts NumOwners
    NumPendingClaims NumPendingClaimsInContact NumPendingClaimsInQueue NumPids NumRestarts
    NumShadowExceptions NumShadowStarts NumSystemHolds NumUsers NumVacates NumVacatesByReason
    NumVacatesByReasonPreExecution NumVacatesPreExecution OAuthServicesNeeded OCU OCUActivationStartTime
    OCUBorrowerActivations OCUBorrowerActivationTime OCUClaim OCUClaimedTime OCUId OCUName
    OCUOwnerActivations OCUOwnerActivationTime OCUState OCUWanted Offline OnExitHold OnExitHoldReason
    OnExitHoldSubCode OnExitRemove OnExitRemoveReason OpSys OpSysAndVer OpSysLegacy OpSysLongName
    OpSysMajorVer OpSysName OpSysShortName OpSysVer OrigCmd OriginalErr OriginalOut OrigIwd OrigMaxHosts
    OSHomeDir OsUser OtherJobRemoveRequirements Out OutgoingNegotiation OutputDestination OutputDirectory
    OutSize Owner PacketCount ParallelIsMaster ParallelMasterAddr ParallelSchedulingGroup
    ParallelScriptShadow ParallelScriptStarter ParallelShutdownPolicy ParentSlotId ParentUniqueID
    PartitionableSlot PeriodicCheckpoint PeriodicHold PeriodicHoldReason PeriodicHoldSubCode
    PeriodicRelease PeriodicReleaseReason PeriodicRemove PeriodicRemoveReason PeriodicVacate
    PeriodicVacateReason PostArgs PostArguments PostCmd PostCmdExitBySignal PostCmdExitCode
    PostCmdExitSignal PostEnv PostEnvironment PostExitBySignal PostExitCode PostExitReason PostExitSignal
    PostJobPrio1 PostJobPrio2 PreArgs PreArguments PreCmd PreCmdExitBySignal PreCmdExitCode
    PreCmdExitSignal PreemptingAccountingGroup PreemptingConcurrencyLimits PreemptingOwner PreemptingRank
    PreemptingUser PreemptState PreEnv PreEnvironment Preferences PreferParallelSchedulingGroup
    PreJobPrio1 PreJobPrio2 PreserveRelativeExecutable PreserveRelativePaths PrevLastHeardFrom
    PrevRecvEstimate PrevSendEstimate PrimaryUnixGroup PrivateNetworkName ProcId Projection ProjectName
    ProportionalSetSizeKb ProvisionerResourceID ProvisionerState PslotRollupInformation PublicClaimId
    PublicClaimIds PublicInputFiles QDate Rank RealUid RecentBlockReadKbytes RecentBlockReads
    RecentBlockWriteKbytes RecentBlockWrites RecentCancelsList RecentDrainsList RefCount ReleaseClaim
    ReleaseReason RemoteAutoregroup RemoteGroup RemoteGroupQuota RemoteGroupResourcesInUse RemoteHost
    RemoteHosts RemoteIwd RemoteNegotiatingGroup RemoteOwner RemotePool RemoteProject RemoteScheddName
    RemoteSlotID RemoteSpoolDir RemoteSysCpu RemoteUser RemoteUserCpu RemoteUserFloor RemoteUserPrio
    RemoteUserResourcesInUse RemoteVersion RemoteWallClockTime RemoveKillSig RemoveReason ReplicationList
    ReportInterval Request RequestCpus RequestDisk RequestedCapacity RequestedCatalogIDs RequestedCatalogs
    RequestedChroot RequestedKey RequestGPUs RequestId RequestMemory RequestResultCode
    RequestResultSubCode RequestVirtualMemory RequeueReason Require RequireGPUs Requirements ReservedSpace
    ResidentSetSize Respond RestrictToAuthenticatedIdentity Result ResumeOnCompletion ResumeResponse
    RetirementTimeRemaining Retry RetryRequestMemory ReturnCode RSCBytesRecvd RSCBytesSent RunAsOwner
    RunBenchmarks RunInstanceID RunningCODJob RunningJobs SandboxSize ScheddInterval ScheddIpAddr
    ScheddName ScheddsAreSubmitters ScheddSwapExhausted Scheduler SchedulerJobsIdle SchedulerJobsRunning
    ScitokensFile ScratchDirFileCount SendCredential SendPrivateAttributes SendServerTime
    ServerCommandSock ServerEndpoint ServerPid ServerPublicCert ServerTime SessionDuration SessionExpires
    SessionInfo SessionLease ShadowBday ShadowIpAddr ShadowVersion ShadowWaitForDebug
    SharedPortCommandSinfuls Shell ShortVersion ShouldForward ShouldTransferFiles Sid SingularityVersion
    Size SkipIfDataflow SkipMatchmaking SlotAd SlotBrokenCode SlotBrokenReason SlotID SlotType SlotTypeID
    SlotWeight sock SortExpr SortExprString Source SplitClaimId SpooledOutputFiles SpoolExecutable
    SpoolOnEvict SSHKeyGenArgs SSHPrivateClientKey SSHPublicServerKey StackSize StageInFinish StageInStart
    StageOutFinish StageOutStart StagingDir Start StartdIpAddr StartdPrincipal StartdSendsAlives
    StarterAbilityList StarterExitStatus StarterIpAddr StarterPid StarterUserLog StarterUserLogUseXML
    StarterWaitForDebug StartExpr StartLocalUniverse StartSchedulerUniverse StartupLimitCostAllowed
    StartupLimitError StartupLimitExpiration StartupLimitExpression StartupLimitIgnoredSources
    StartupLimitJobsAllowed StartupLimitJobsSkipped StartupLimitLastIgnoredTime StartupLimitMatchesIgnored
    StartupLimitName StartupLimitRateBurst StartupLimitRateBurstMaxCost StartupLimitRateCost
    StartupLimitRateCount StartupLimitRateWindow StartupLimitStatus StartupLimitTag StartupLimitUUID State
    Status StderrMtime StdoutMtime StreamErr StreamIn StreamOut StructuredNotes Submission SubmissionId
    SubmitAlwaysCheckCreds SubmitEventNotes SubmitEventNotesAttrs SubmitEventUserNotes Submitter
    SubmitterAutoregroup SubmitterGlobalJobId SubmitterGroup SubmitterGroupQuota
    SubmitterGroupResourcesInUse SubmitterId SubmitterNegotiatingGroup SubmitterTag SubmitterUserPrio
    SubmitterUserResourcesInUse SubmittorPrio SubmitVersion Subnet SubnetMask SubProcId Subsystem
    SuccessCheckpointExitBySignal SuccessCheckpointExitCode SuccessCheckpointExitSignal
    SuccessPostExitBySignal SuccessPostExitCode SuccessPostExitSignal SuccessPreExitBySignal
    SuccessPreExitCode SuccessPreExitSignal Suspend SuspendJobAtExec SuspendReason Tag TargetType
    TerminationExitReason TerminationPending TerminationReason Timeout TimerRemove TimerRemoveSent
    TimeToLive ToE Token TokenLifetime ToolDaemonArgs ToolDaemonArguments ToolDaemonCmd ToolDaemonError
    ToolDaemonInput ToolDaemonOutput Total TotalClaimRunTime TotalClaimSuspendTime TotalClusterAds
    TotalCompletedJobs TotalCondorLoadAvg TotalCpus TotalDisk TotalFlockedJobs TotalHeldJobs TotalIdleJobs
    TotalJobAds TotalJobReconnectAttempts TotalJobRunTime TotalJobSuspendTime TotalLoadAvg
    TotalLocalJobsHeld TotalLocalJobsIdle TotalLocalJobsRunning TotalMachineDrainingBadput
    TotalMachineDrainingUnclaimedTime TotalMemory TotalRemovedJobs TotalRunningJobs TotalSchedulerJobsHeld
    TotalSchedulerJobsIdle TotalSchedulerJobsRunning TotalSlot TotalSlotCpus TotalSlotDisk TotalSlotMemory
    TotalSlots TotalSubmitProcs TotalSuspensions TotalTimeBackfillBusy TotalTimeBackfillIdle
    TotalTimeBackfillKilling TotalTimeClaimedBusy TotalTimeClaimedCleaning TotalTimeClaimedIdle
    TotalTimeClaimedRetiring TotalTimeClaimedSuspended TotalTimeDrainedIdle TotalTimeDrainedRetiring
    TotalTimeInCycle TotalTimeMatchedIdle TotalTimeOwnerIdle TotalTimePreemptingKilling
    TotalTimePreemptingVacating TotalTimeUnclaimedBenchmarking TotalTimeUnclaimedIdle TotalVirtualMemory
    TransferCheckpoint TransferCommonStats TransferContainer TransferErr TransferExecutable TransferIn
    TransferInFinished TransferInput TransferInputFileCounts TransferInputRemaps TransferInputSizeMB
    TransferInputStats TransferInQueued TransferInStarted TransferIntermediate TransferKey TransferOut
    TransferOutFinished TransferOutput TransferOutputRemaps TransferOutputStats TransferOutQueued
    TransferOutStarted TransferPlugins TransferQueued TransferQueueDownloadWaitTime TransferQueueInputList
    TransferQueueMaxDownloading TransferQueueMaxUploading TransferQueueNumDownloading
    TransferQueueNumUploading TransferQueueNumWaitingToDownload TransferQueueNumWaitingToUpload
    TransferQueueUploadWaitTime TransferQueueUserExpr TransferringInput TransferringOutput TransferSocket
    TransferTheseCatalogs TransferType TransformBody_ TransformOnEvict TriedAuthentication TrustDomain
    TryAgain Uid UidDomain UncommittedSuspensionTime Unhibernate UpdateInterval UpdatePrio
    UpdateSequenceNumber UpdatesHistory UpdatesLost UpdatesSequenced UpdatesTotal UseParrot User UserLog
    UserLogExecuteEventAttrs UserLogUseXML UseSession UtsnameMachine UtsnameNodename UtsnameRelease
    UtsnameSysname UtsnameVersion UUID Vacate VacateReason VacateReasonCode VacateReasonSubCode VacateType
    ValidCommands VirtualMemory VisaDaemonPID VisaDaemonType VisaHostname VisaIpAddr VisaTimestamp
    VM_All_Guest_IPs VM_All_Guest_Macs VM_AvailNum VM_CkptIP VM_CkptMac VM_Guest_IP VM_Guest_Mac
    VM_Guest_Mem VM_HardwareVT VM_MACAddr VM_Memory VM_Networking VM_Networking_Types VM_Type
    VMOfflineReason WaitpidStatus WakeOnLanEnabledFlags WakeOnLanSupportedFlags WakePort
    WallClockCheckpoint WantAdRevaluate WantCheckpointSignal WantClaiming WantCompletionVisaFromSchedD
    WantContainer WantDelayedUpdates WantDocker WantDockerImage WantExecutionVisaFromStarter
    WantFTOnCheckpoint WantGracefulRemoval WantIOProxy WantJobNetworking WantMatchDiagnostics WantMatching
    WantParallelScheduling WantParallelSchedulingGroups WantPslotPreemption WantRemoteUpdates WantResAd
    WantSandboxImage WantSIF WantTransferPluginMethods Warning WeightedIdleJobs WeightedRunningJobs
    WhenToTransferOutput WindowsBuildNumber WindowsMajorVersion WindowsMinorVersion WindowsProductType
    WindowsServicePackMajorVersion WindowsServicePackMinorVersion WithinResourceLimits x509User
    x509userproxy x509UserProxyEmail x509UserProxyExpiration x509UserProxyFirstFQAN x509UserProxyFQAN
    x509userproxysubject x509UserProxyVOName
    """.lower().split()
    )
    - HARMLESS
)
